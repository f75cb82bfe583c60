SELECT to_regclass('counterfoil.migration') IS NULL
    AND EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('counterfoil'));
