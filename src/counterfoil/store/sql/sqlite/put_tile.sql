INSERT INTO tile (log, level, number, hashes) VALUES (?, ?, ?, ?)
ON CONFLICT (log, level, number) DO UPDATE SET hashes = excluded.hashes;
