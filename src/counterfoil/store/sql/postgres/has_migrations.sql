SELECT to_regclass('counterfoil.migration') IS NOT NULL;
