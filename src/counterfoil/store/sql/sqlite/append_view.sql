-- The door for appends: one INSERT into this view writes a whole batch. As one statement it is
-- one transaction, runs without coming back to the interpreter, and is undone whole if any
-- part of it fails. What kind of row each is decides which trigger takes it.
CREATE TEMP VIEW append AS SELECT '' AS kind, * FROM main.event;

CREATE TEMP TRIGGER append_event INSTEAD OF INSERT ON append WHEN new.kind = 'event'
BEGIN
    INSERT INTO main.event VALUES (
        new.position, new.id, new.leaf, new.recorded_at, new.occurred_at, new.expires_at,
        new.decays_at, new.type, new.level, new.outcome, new.company_id, new.resource_type,
        new.resource_id, new.user_id, new.ip_address, new.session_id, new.request_id,
        new.mentions, new.entry, new.actor, new.client, new.resource, new.state, new.details,
        new.body
    );
END;

-- position: the log's number; type: its origin; occurred_at: the size that the batch was built
-- on; mentions: the size after it; leaf: the frontier that it was built on; id: the new one;
-- company_id: where the log has gone; session_id: where it had gone as the batch was built.
CREATE TEMP TRIGGER append_head INSTEAD OF INSERT ON append WHEN new.kind = 'head'
BEGIN
    SELECT raise(ABORT, 'head moved') WHERE NOT EXISTS (
        SELECT 1 FROM main.log
        WHERE number = new.position AND size = new.occurred_at AND frontier = new.leaf
            AND sealed IS new.session_id
    );
    UPDATE main.log SET size = new.mentions, recorded_at = new.recorded_at, frontier = new.id,
        origin = new.type, sealed = new.company_id
    WHERE number = new.position;
END;

-- position: the log's number; recorded_at: the hour; occurred_at: how many events.
CREATE TEMP TRIGGER append_count INSTEAD OF INSERT ON append WHEN new.kind = 'count'
BEGIN
    INSERT INTO main.count_by_hour (log, bucket, company, type, level, outcome, events)
    VALUES (new.position, new.recorded_at, new.company_id, new.type, new.level, new.outcome,
        new.occurred_at)
    ON CONFLICT (log, bucket, company, type, level, outcome)
    DO UPDATE SET events = events + excluded.events;
    INSERT INTO main.count_by_day (log, bucket, type, level, outcome, events)
    VALUES (new.position, new.recorded_at / 24, new.type, new.level, new.outcome, new.occurred_at)
    ON CONFLICT (log, bucket, type, level, outcome)
    DO UPDATE SET events = events + excluded.events;
END;

-- position: the log's number; level: the tile's level; occurred_at: its place within the level;
-- mentions: how many hashes it must hold already; entry: the new hashes.
CREATE TEMP TRIGGER append_tile INSTEAD OF INSERT ON append WHEN new.kind = 'tile'
BEGIN
    SELECT raise(ABORT, 'tile does not fit') WHERE new.mentions * 32 <> coalesce((
        SELECT length(hashes) FROM main.tile
        WHERE log = new.position AND level = new.level AND number = new.occurred_at
    ), 0);
    INSERT INTO main.tile (log, level, number, hashes)
    VALUES (new.position, new.level, new.occurred_at, new.entry)
    ON CONFLICT (log, level, number)
    DO UPDATE SET hashes = CAST(hashes || excluded.hashes AS BLOB);
END;

-- position: the event's; type: the disclosure's name; user_id: the person; entry: as stored.
CREATE TEMP TRIGGER append_mention INSTEAD OF INSERT ON append WHEN new.kind = 'mention'
BEGIN
    INSERT INTO main.mention (position, name, person, stored)
    VALUES (new.position, new.type, new.user_id, new.entry);
END;
