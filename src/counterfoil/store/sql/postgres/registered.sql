SELECT kind, name, value, expires_at FROM counterfoil.registry WHERE kind = $1 AND name = $2;
