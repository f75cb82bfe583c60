-- Of transactions whose first row ($1) no other relay holds, the rows among $2. Whoever holds
-- the first row has the transaction's others too, so that nobody overtakes it.
WITH held AS (
    SELECT transaction FROM counterfoil_outbox
    WHERE sequence = ANY($1::bigint[]) AND refused IS NULL FOR UPDATE SKIP LOCKED
)
SELECT waiting.sequence, waiting.draft,
    (extract(epoch FROM waiting.made_at) * 1000)::bigint
FROM counterfoil_outbox AS waiting JOIN held USING (transaction)
WHERE waiting.sequence = ANY($2::bigint[]) AND waiting.refused IS NULL
ORDER BY waiting.sequence;
