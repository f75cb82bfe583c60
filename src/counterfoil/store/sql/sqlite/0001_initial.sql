-- Facts about the database itself: its random id, its verifier key. Set once, never changed.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row a log. The writer holds the database's write lock while it moves a head.
CREATE TABLE log (
    number      INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    origin      TEXT NOT NULL,
    size        INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    frontier    BLOB NOT NULL
) STRICT;

-- position = log.number * 2^40 + index, so that one key orders each log's events.
-- entry and the last six columns are what counts (proof.md: "the entry"); all others are copies.
CREATE TABLE event (
    position      INTEGER PRIMARY KEY,
    id            BLOB NOT NULL,
    leaf          BLOB NOT NULL,
    recorded_at   INTEGER NOT NULL,
    occurred_at   INTEGER NOT NULL,
    expires_at    INTEGER,
    decays_at     INTEGER,
    type          TEXT NOT NULL,
    level         INTEGER NOT NULL,
    outcome       INTEGER NOT NULL,
    company_id    TEXT,
    resource_type TEXT,
    resource_id   TEXT,
    user_id       TEXT,
    ip_address    TEXT,
    session_id    TEXT,
    request_id    TEXT,
    mentions      INTEGER,
    entry         BLOB NOT NULL,
    actor         BLOB,
    client        BLOB,
    resource      BLOB,
    state         BLOB,
    details       BLOB,
    body          BLOB
) STRICT;

-- Every index ends in position by itself, so each serves keyset pages within one log.
-- No index on recorded_at: it never decreases along the position, so times are searched there.
CREATE UNIQUE INDEX event_id ON event (id);
CREATE INDEX event_type ON event (type);
CREATE INDEX event_level ON event (level) WHERE level > 0;
CREATE INDEX event_outcome ON event (outcome) WHERE outcome > 0;
CREATE INDEX event_company_id ON event (company_id) WHERE company_id IS NOT NULL;
-- Here position is named, so that the type may stand behind it: pages stay in order, and rows of
-- other types with the same id are passed over within the index.
CREATE INDEX event_resource ON event (resource_id, position, resource_type)
    WHERE resource_id IS NOT NULL;
CREATE INDEX event_user_id ON event (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX event_ip_address ON event (ip_address) WHERE ip_address IS NOT NULL;
CREATE INDEX event_session_id ON event (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX event_request_id ON event (request_id) WHERE request_id IS NOT NULL;

-- Disclosures that name a further person: on_behalf_of, impersonator, subject_0, subject_1, ...
CREATE TABLE mention (
    position INTEGER NOT NULL,
    name     TEXT NOT NULL,
    person   TEXT NOT NULL,
    stored   BLOB NOT NULL,
    PRIMARY KEY (position, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX mention_person ON mention (person, position);

-- C2SP tlog-tiles: level 0 only when full (event.leaf has the rest), higher levels as they grow.
CREATE TABLE tile (
    log    INTEGER NOT NULL,
    level  INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    UNIQUE (log, level, number)
) STRICT;

-- Events by UTC hour and by UTC day of recorded_at, in whole units since the Unix epoch. Days do
-- not tell companies apart: so a year by day stays small, however many companies there are.
CREATE TABLE count_by_hour (
    log     INTEGER NOT NULL,
    bucket  INTEGER NOT NULL,
    company TEXT NOT NULL,
    type    TEXT NOT NULL,
    level   INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    events  INTEGER NOT NULL,
    PRIMARY KEY (log, bucket, company, type, level, outcome)
) STRICT, WITHOUT ROWID;

CREATE TABLE count_by_day (
    log     INTEGER NOT NULL,
    bucket  INTEGER NOT NULL,
    type    TEXT NOT NULL,
    level   INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    events  INTEGER NOT NULL,
    PRIMARY KEY (log, bucket, type, level, outcome)
) STRICT, WITHOUT ROWID;

-- Signed checkpoints, opaque to the store.
CREATE TABLE checkpoint (
    log       INTEGER NOT NULL,
    size      INTEGER NOT NULL,
    signed_at INTEGER NOT NULL,
    note      BLOB NOT NULL,
    PRIMARY KEY (log, size)
) STRICT, WITHOUT ROWID;
