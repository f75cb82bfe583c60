UPDATE registry SET value = ?, expires_at = ? WHERE kind = ? AND name = ? AND value = ?;
