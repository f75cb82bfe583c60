SELECT counterfoil.boundary($1, $2, $3);
