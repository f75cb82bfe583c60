SELECT company, log FROM company_log WHERE company > ? ORDER BY company LIMIT ?;
