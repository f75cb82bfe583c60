SELECT kind, name, value, expires_at FROM registry WHERE kind = ? AND name = ?;
