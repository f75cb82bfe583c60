INSERT INTO counterfoil_outbox (draft) VALUES (?);
