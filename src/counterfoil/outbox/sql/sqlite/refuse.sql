UPDATE counterfoil_outbox SET refused = ? WHERE sequence = ?;
