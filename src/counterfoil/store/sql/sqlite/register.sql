INSERT INTO registry (kind, name, value, expires_at) VALUES (?, ?, ?, ?)
ON CONFLICT (kind, name) DO NOTHING;
