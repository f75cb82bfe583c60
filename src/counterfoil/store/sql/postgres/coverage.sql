SELECT log.name, log.number, log.origin, log.size, log.recorded_at, log.frontier, log.sealed,
    coalesce(last.size, 0), coalesce(last.signed_at, 0)
FROM counterfoil.log LEFT JOIN LATERAL (
    SELECT size, signed_at FROM counterfoil.checkpoint
    WHERE checkpoint.log = log.number ORDER BY size DESC LIMIT 1
) AS last ON true
WHERE log.name > $1 ORDER BY log.name LIMIT $2;
