SELECT
    (SELECT count(*) FROM counterfoil_outbox WHERE refused IS NULL),
    (SELECT (julianday('now') - julianday(made_at)) * 86400.0 FROM counterfoil_outbox
     WHERE refused IS NULL ORDER BY sequence LIMIT 1),
    (SELECT count(*) FROM counterfoil_outbox WHERE refused IS NOT NULL);
