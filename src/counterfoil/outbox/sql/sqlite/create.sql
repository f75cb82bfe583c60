-- Events that were recorded in the application's own transactions, until a relay has moved them
-- into the log. A number is never given twice: what was deleted under it cannot be mistaken.
CREATE TABLE IF NOT EXISTS counterfoil_outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    draft    BLOB NOT NULL CHECK (typeof(draft) = 'blob'),
    made_at  TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    refused  TEXT
);
CREATE INDEX IF NOT EXISTS counterfoil_outbox_refused
    ON counterfoil_outbox (sequence) WHERE refused IS NOT NULL;
