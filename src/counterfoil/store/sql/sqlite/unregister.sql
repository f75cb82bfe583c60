DELETE FROM registry WHERE kind = ? AND name = ?;
