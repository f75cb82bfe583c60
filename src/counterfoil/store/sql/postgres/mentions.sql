SELECT position, name, person, stored FROM counterfoil.mention
WHERE position BETWEEN $1 AND $2 ORDER BY position, name;
