UPDATE counterfoil_outbox AS kept SET refused = given.reason
FROM unnest($1::bigint[], $2::text[]) AS given (sequence, reason)
WHERE kept.sequence = given.sequence;
