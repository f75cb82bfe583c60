SELECT position, name, person, stored FROM mention WHERE position BETWEEN ? AND ? ORDER BY position, name;
