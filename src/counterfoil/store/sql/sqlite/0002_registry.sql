-- Small facts that servers of one database share: access keys, sessions, repeated requests.
-- Opaque to the store; what is past expires_at (microseconds since the Unix epoch) may go.
CREATE TABLE registry (
    kind       TEXT NOT NULL,
    name       TEXT NOT NULL,
    value      BLOB NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX registry_expires_at ON registry (expires_at) WHERE expires_at IS NOT NULL;
