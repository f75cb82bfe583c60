SELECT hashes FROM tile WHERE log = ? AND level = ? AND number = ?;
