SELECT hashes FROM counterfoil.tile WHERE log = $1 AND level = $2 AND number = $3;
