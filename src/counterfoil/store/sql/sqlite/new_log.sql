INSERT INTO log (name, origin, size, recorded_at, frontier) VALUES (?, ?, 0, 0, x'');
