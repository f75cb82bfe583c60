SELECT name, number, origin, log.size, recorded_at, frontier, sealed, checkpoint.size, signed_at
FROM log LEFT JOIN checkpoint ON checkpoint.log = number
    AND checkpoint.size = (SELECT max(size) FROM checkpoint WHERE log = number)
WHERE name > ? ORDER BY name LIMIT ?;
