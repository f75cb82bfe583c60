DELETE FROM counterfoil.registry WHERE kind = $1 AND name = $2;
