-- The ids of the index, which a look into the row would not answer.
SELECT found.position, found.id FROM event AS found INDEXED BY event_id
LEFT JOIN event NOT INDEXED ON event.position = found.position
WHERE event.id IS NOT found.id AND found.position BETWEEN ? AND ? LIMIT ?;
