SELECT count(*), sum(size) FROM counterfoil.log;
