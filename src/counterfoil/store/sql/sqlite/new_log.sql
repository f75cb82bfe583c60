-- In a database that is sealed, a log is born sealed.
INSERT INTO log (name, origin, size, recorded_at, frontier, sealed)
VALUES (?, ?, 0, 0, x'', (SELECT CAST(value AS TEXT) FROM registry WHERE kind = 'seal'));
