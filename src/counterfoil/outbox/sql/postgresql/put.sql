INSERT INTO counterfoil_outbox (draft) VALUES ($1);
