INSERT INTO checkpoint (log, size, signed_at, note) VALUES (?, ?, ?, ?)
ON CONFLICT (log, size) DO NOTHING;
