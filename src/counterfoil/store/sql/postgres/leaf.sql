SELECT leaf FROM counterfoil.event WHERE position = $1;
