-- Events that were recorded in the application's own transactions, until a relay has moved them
-- into the log. "transaction" tells the rows of one business transaction: they are moved in order.
CREATE TABLE IF NOT EXISTS counterfoil_outbox (
    sequence    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    draft       bytea NOT NULL,
    made_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    refused     text
) WITH (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 10000);
CREATE INDEX IF NOT EXISTS counterfoil_outbox_refused
    ON counterfoil_outbox (sequence) WHERE refused IS NOT NULL;
