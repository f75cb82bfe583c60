DELETE FROM counterfoil.registry WHERE expires_at <= $1;
