SELECT name, number, origin, size, recorded_at, frontier, sealed
FROM counterfoil.lock_heads($1, $2) ORDER BY name;
