INSERT INTO counterfoil.checkpoint (log, size, signed_at, note)
SELECT * FROM unnest($1::integer[], $2::bigint[], $3::bigint[], $4::bytea[])
ORDER BY 1, 2 ON CONFLICT (log, size) DO NOTHING;
