SELECT position, leaf FROM event WHERE position BETWEEN ? AND ? ORDER BY position;
