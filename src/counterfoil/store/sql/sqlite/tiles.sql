SELECT number, hashes FROM tile
WHERE log = ? AND level = ? AND number BETWEEN ? AND ? ORDER BY number;
