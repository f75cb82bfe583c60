UPDATE counterfoil.registry SET value = $3, expires_at = $4
WHERE kind = $1 AND name = $2 AND value = $5;
