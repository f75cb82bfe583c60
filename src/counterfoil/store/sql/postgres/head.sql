SELECT name, number, origin, size, recorded_at, frontier, sealed
FROM counterfoil.log WHERE name = $1;
