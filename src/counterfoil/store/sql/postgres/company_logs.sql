SELECT company, log FROM counterfoil.company_log WHERE company = ANY ($1);
