INSERT INTO counterfoil.registry (kind, name, value, expires_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (kind, name) DO NOTHING;
