UPDATE counterfoil_outbox SET refused = NULL WHERE refused IS NOT NULL;
