SELECT position, leaf FROM counterfoil.event WHERE position BETWEEN $1 AND $2 ORDER BY position;
