SELECT kind, name, value, expires_at FROM registry WHERE kind = ? ORDER BY name;
