INSERT INTO counterfoil.company_log (company, log) SELECT * FROM unnest($1::text[], $2::text[])
ORDER BY 1 ON CONFLICT (company) DO NOTHING;
