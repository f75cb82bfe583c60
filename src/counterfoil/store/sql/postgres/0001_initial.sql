-- Everything stands in a schema of its own: a log may share the application's database. All texts
-- are compared byte by byte, whatever the database's locale.

-- Facts about the database itself: its random id, its verifier key. Set once, never changed.
CREATE TABLE counterfoil.meta (
    name  text COLLATE "C" PRIMARY KEY,
    value text NOT NULL
);

-- One row a log. A writer holds the rows that its batch moves, and no others. Room is left in
-- each page, so that a head that moves stays in its page and touches no index.
CREATE TABLE counterfoil.log (
    number      integer GENERATED ALWAYS AS IDENTITY (MAXVALUE 4194303) PRIMARY KEY,
    name        text COLLATE "C" NOT NULL UNIQUE,
    origin      text NOT NULL,
    size        bigint NOT NULL DEFAULT 0,
    recorded_at bigint NOT NULL DEFAULT 0,
    frontier    bytea NOT NULL DEFAULT '',
    -- Where a log has gone that is not written to any more; NULL for all others.
    sealed      text
) WITH (fillfactor = 50);

-- Which log is a company's own. Log names are published, so that each is random, and what it
-- stands for is said here alone.
CREATE TABLE counterfoil.company_log (
    company text COLLATE "C" PRIMARY KEY,
    log     text COLLATE "C" NOT NULL UNIQUE
);

-- The events of all logs, in slices of their time: new events go into the newest slice, and a
-- new one is begun when that is full. So what has expired lies together, and goes by dropping a
-- slice, however many logs there are.
CREATE TABLE counterfoil.slice (
    number   smallint PRIMARY KEY,
    -- Bytes of events, indexes aside, at which the next slice is begun.
    full_at  bigint NOT NULL DEFAULT 8589934592,
    begun_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO counterfoil.slice (number) VALUES (0);

-- position = log.number * 2^40 + index, so that one key orders each log's events.
-- entry and the last six columns are what counts (proof.md: "the entry"); all others are copies.
-- Times are microseconds since the Unix epoch. Columns of a fixed width stand first, unpadded.
CREATE TABLE counterfoil.event (
    position      bigint NOT NULL,
    recorded_at   bigint NOT NULL,
    occurred_at   bigint NOT NULL,
    expires_at    bigint,
    decays_at     bigint,
    slice         smallint NOT NULL,
    level         smallint NOT NULL,
    outcome       smallint NOT NULL,
    mentions      smallint,
    id            bytea NOT NULL,
    leaf          bytea NOT NULL,
    type          text COLLATE "C" NOT NULL,
    company_id    text COLLATE "C",
    resource_type text COLLATE "C",
    resource_id   text COLLATE "C",
    user_id       text COLLATE "C",
    ip_address    text COLLATE "C",
    session_id    text COLLATE "C",
    request_id    text COLLATE "C",
    entry         bytea NOT NULL,
    actor         bytea,
    client        bytea,
    resource      bytea,
    state         bytea,
    details       bytea,
    body          bytea,
    PRIMARY KEY (position, slice)
) PARTITION BY LIST (slice);
CREATE TABLE counterfoil.event_0 PARTITION OF counterfoil.event FOR VALUES IN (0);

-- Every index has the position second, so each serves keyset pages within one log.
-- No index on recorded_at: it never decreases along the position, so times are searched there.
CREATE INDEX event_type ON counterfoil.event (type, position);
CREATE INDEX event_level ON counterfoil.event (level, position) WHERE level > 0;
CREATE INDEX event_outcome ON counterfoil.event (outcome, position) WHERE outcome > 0;
CREATE INDEX event_company_id ON counterfoil.event (company_id, position)
    WHERE company_id IS NOT NULL;
CREATE INDEX event_resource ON counterfoil.event (resource_id, position, resource_type)
    WHERE resource_id IS NOT NULL;
CREATE INDEX event_user_id ON counterfoil.event (user_id, position) WHERE user_id IS NOT NULL;
CREATE INDEX event_ip_address ON counterfoil.event (ip_address, position)
    WHERE ip_address IS NOT NULL;
CREATE INDEX event_session_id ON counterfoil.event (session_id, position)
    WHERE session_id IS NOT NULL;
CREATE INDEX event_request_id ON counterfoil.event (request_id, position)
    WHERE request_id IS NOT NULL;

-- Where the event with an id is. A unique id cannot stand on a partitioned table.
CREATE TABLE counterfoil.id (
    position bigint NOT NULL,
    slice    smallint NOT NULL,
    id       bytea PRIMARY KEY
);

-- Disclosures that name a further person: on_behalf_of, impersonator, subject_0, subject_1, ...
CREATE TABLE counterfoil.mention (
    position bigint NOT NULL,
    slice    smallint NOT NULL,
    name     text COLLATE "C" NOT NULL,
    person   text COLLATE "C" NOT NULL,
    stored   bytea NOT NULL,
    PRIMARY KEY (position, name, slice)
) PARTITION BY LIST (slice);
CREATE TABLE counterfoil.mention_0 PARTITION OF counterfoil.mention FOR VALUES IN (0);
CREATE INDEX mention_person ON counterfoil.mention (person, position);

-- C2SP tlog-tiles: level 0 only when full (event.leaf has the rest), higher levels as they grow.
CREATE TABLE counterfoil.tile (
    log    integer NOT NULL,
    level  smallint NOT NULL,
    number bigint NOT NULL,
    hashes bytea NOT NULL,
    PRIMARY KEY (log, level, number)
);
-- Hashes do not compress: no processor time is spent on trying.
ALTER TABLE counterfoil.tile ALTER COLUMN hashes SET STORAGE EXTERNAL;

-- Events by UTC hour and by UTC day of recorded_at, in whole units since the Unix epoch. Days do
-- not tell companies apart: so a year by day stays small, however many companies there are.
CREATE TABLE counterfoil.count_by_hour (
    log     integer NOT NULL,
    bucket  bigint NOT NULL,
    company text COLLATE "C" NOT NULL,
    type    text COLLATE "C" NOT NULL,
    level   smallint NOT NULL,
    outcome smallint NOT NULL,
    events  bigint NOT NULL,
    PRIMARY KEY (log, bucket, company, type, level, outcome)
) WITH (fillfactor = 70);

CREATE TABLE counterfoil.count_by_day (
    log     integer NOT NULL,
    bucket  bigint NOT NULL,
    type    text COLLATE "C" NOT NULL,
    level   smallint NOT NULL,
    outcome smallint NOT NULL,
    events  bigint NOT NULL,
    PRIMARY KEY (log, bucket, type, level, outcome)
) WITH (fillfactor = 50);

-- Signed checkpoints, opaque to the store.
CREATE TABLE counterfoil.checkpoint (
    log       integer NOT NULL,
    size      bigint NOT NULL,
    signed_at bigint NOT NULL,
    note      bytea NOT NULL,
    PRIMARY KEY (log, size)
);

-- Small facts that servers of one database share: access keys, sessions, repeated requests.
-- Opaque to the store; what is past expires_at (microseconds since the Unix epoch) may go.
CREATE TABLE counterfoil.registry (
    kind       text COLLATE "C" NOT NULL,
    name       text COLLATE "C" NOT NULL,
    value      bytea NOT NULL,
    expires_at bigint,
    PRIMARY KEY (kind, name)
);
CREATE INDEX registry_expires_at ON counterfoil.registry (expires_at) WHERE expires_at IS NOT NULL;
