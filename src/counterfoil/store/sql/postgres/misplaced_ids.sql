SELECT event.position, id.position FROM counterfoil.event
LEFT JOIN counterfoil.id ON id.id = event.id
WHERE event.position BETWEEN $1 AND $2
    AND (id.position, id.slice) IS DISTINCT FROM (event.position, event.slice)
ORDER BY event.position;
