SELECT name, value FROM counterfoil.meta;
