DELETE FROM counterfoil_outbox WHERE sequence = ANY($1::bigint[]);
