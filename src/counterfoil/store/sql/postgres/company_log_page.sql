SELECT company, log FROM counterfoil.company_log WHERE company > $1 ORDER BY company LIMIT $2;
