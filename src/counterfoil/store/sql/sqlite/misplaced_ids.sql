-- The id of the row, and the position of the index: they differ where the index was altered.
SELECT event.position, found.position FROM event NOT INDEXED
LEFT JOIN event AS found INDEXED BY event_id ON found.id = event.id
WHERE event.position BETWEEN ? AND ? AND found.position IS NOT event.position
ORDER BY event.position;
