SELECT name, number, origin, size, recorded_at, frontier, sealed, tail
FROM counterfoil.take_turn($1, $2);
