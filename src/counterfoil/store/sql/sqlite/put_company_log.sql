INSERT INTO company_log (company, log) VALUES (?, ?) ON CONFLICT (company) DO NOTHING;
