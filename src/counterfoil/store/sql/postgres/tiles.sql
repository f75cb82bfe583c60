SELECT number, hashes FROM counterfoil.tile
WHERE log = $1 AND level = $2 AND number BETWEEN $3 AND $4 ORDER BY number;
