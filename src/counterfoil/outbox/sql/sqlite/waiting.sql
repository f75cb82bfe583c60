SELECT sequence, draft, CAST((julianday(made_at) - 2440587.5) * 86400000.0 AS INTEGER)
FROM counterfoil_outbox WHERE sequence > ? AND refused IS NULL ORDER BY sequence LIMIT ?;
