DELETE FROM counterfoil_outbox WHERE sequence = ?;
