INSERT INTO counterfoil.meta (name, value) SELECT * FROM unnest($1::text[], $2::text[])
ORDER BY 1 ON CONFLICT (name) DO NOTHING;
