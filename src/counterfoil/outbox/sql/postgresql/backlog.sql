SELECT
    (SELECT count(*) FROM counterfoil_outbox WHERE refused IS NULL),
    (SELECT extract(epoch FROM clock_timestamp() - made_at)::float8 FROM counterfoil_outbox
     WHERE refused IS NULL ORDER BY sequence LIMIT 1),
    (SELECT count(*) FROM counterfoil_outbox WHERE refused IS NOT NULL);
