SELECT log, size, signed_at, note FROM counterfoil.checkpoint
WHERE log = $1 AND size BETWEEN $2 AND $3 ORDER BY size DESC LIMIT $4;
