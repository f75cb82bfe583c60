SELECT counterfoil.begin_slice();
