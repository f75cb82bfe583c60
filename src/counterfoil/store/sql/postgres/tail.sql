SELECT string_agg(leaf, '' ORDER BY position) FROM counterfoil.event
WHERE position >= $1 AND position < $2;
