-- What comes next, without a lock: numbers, transactions and sizes.
SELECT sequence, transaction, octet_length(draft) FROM counterfoil_outbox
WHERE sequence > $1 AND refused IS NULL ORDER BY sequence LIMIT $2;
