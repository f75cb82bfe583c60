-- What a batch consists of, as one argument each. The columns of event_row are in the order of
-- the rows that the log builds.
CREATE TYPE counterfoil.head_row AS (
    number integer, old_size bigint, old_frontier bytea, old_sealed text,
    origin text, size bigint, recorded_at bigint, frontier bytea, sealed text
);
CREATE TYPE counterfoil.event_row AS (
    position bigint, id bytea, leaf bytea, recorded_at bigint, occurred_at bigint,
    expires_at bigint, decays_at bigint, type text, level smallint, outcome smallint,
    company_id text, resource_type text, resource_id text, user_id text, ip_address text,
    session_id text, request_id text, mentions smallint, entry bytea, actor bytea, client bytea,
    resource bytea, state bytea, details bytea, body bytea
);
CREATE TYPE counterfoil.mention_row AS (position bigint, name text, person text, stored bytea);
CREATE TYPE counterfoil.tile_row AS (
    log integer, level smallint, number bigint, held bigint, hashes bytea
);
CREATE TYPE counterfoil.count_row AS (
    log integer, hour bigint, company text, type text, level smallint, outcome smallint,
    events bigint
);

-- Nothing is written where a commit would not be synced, also after the settings were changed or
-- another server has taken over.
CREATE FUNCTION counterfoil.sync_commits() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('fsync') = 'off' OR current_setting('full_page_writes') = 'off' THEN
        RAISE EXCEPTION 'commits are not synced' USING ERRCODE = 'CF003';
    END IF;
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
END
$$;

-- Lock the heads of these logs, in the order of their names; make those that are missing.
CREATE FUNCTION counterfoil.lock_heads(names text[], origins text[])
RETURNS SETOF counterfoil.log LANGUAGE plpgsql AS $$
BEGIN
    PERFORM counterfoil.sync_commits();
    INSERT INTO counterfoil.log (name, origin)
    SELECT wanted.name, wanted.origin FROM unnest(names, origins) AS wanted (name, origin)
    WHERE NOT EXISTS (SELECT FROM counterfoil.log WHERE log.name = wanted.name COLLATE "C")
    ORDER BY wanted.name COLLATE "C"
    ON CONFLICT (name) DO NOTHING;
    RETURN QUERY
    SELECT log.* FROM counterfoil.log WHERE log.name = ANY (names) ORDER BY log.name FOR UPDATE;
END
$$;

-- Write a batch: all of it, or, where a head is not as the batch was built on it, nothing, and
-- return false. One statement, so that a batch is one way to the server and back, and the heads
-- are locked only while the server writes and commits.
CREATE FUNCTION counterfoil.append(
    moved counterfoil.head_row[], fresh counterfoil.event_row[],
    people counterfoil.mention_row[], grown counterfoil.tile_row[], counted counterfoil.count_row[]
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    newest smallint;
    held integer;
    part counterfoil.tile_row;
BEGIN
    PERFORM counterfoil.sync_commits();

    SELECT count(*) INTO held FROM (
        SELECT FROM counterfoil.log JOIN unnest(moved) AS head ON log.number = head.number
        WHERE log.size = head.old_size AND log.frontier = head.old_frontier
            AND log.sealed IS NOT DISTINCT FROM head.old_sealed
        ORDER BY log.name FOR UPDATE OF log
    ) AS locked;
    IF held < cardinality(moved) THEN
        RETURN false;
    END IF;

    SELECT max(number) INTO newest FROM counterfoil.slice;
    WITH kept AS (
        INSERT INTO counterfoil.event (
            position, id, leaf, recorded_at, occurred_at, expires_at, decays_at, type, level,
            outcome, company_id, resource_type, resource_id, user_id, ip_address, session_id,
            request_id, mentions, entry, actor, client, resource, state, details, body, slice
        )
        SELECT row.*, newest FROM unnest(fresh) AS row
        RETURNING id, position
    )
    -- In the order of the ids, so that writers of different logs never wait for each other in a
    -- circle over ids that came twice.
    INSERT INTO counterfoil.id (id, position, slice)
    SELECT kept.id, kept.position, newest FROM kept ORDER BY kept.id;

    IF cardinality(people) > 0 THEN
        INSERT INTO counterfoil.mention (position, name, person, stored, slice)
        SELECT row.*, newest FROM unnest(people) AS row;
    END IF;

    -- One by one: a batch may add to a tile several times.
    FOREACH part IN ARRAY grown LOOP
        IF part.held = 0 THEN
            INSERT INTO counterfoil.tile (log, level, number, hashes)
            VALUES (part.log, part.level, part.number, part.hashes)
            ON CONFLICT (log, level, number) DO NOTHING;
        ELSE
            UPDATE counterfoil.tile SET hashes = hashes || part.hashes
            WHERE log = part.log AND level = part.level AND number = part.number
                AND length(hashes) = part.held * 32;
        END IF;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'a tile does not fit' USING ERRCODE = 'CF002';
        END IF;
    END LOOP;

    INSERT INTO counterfoil.count_by_hour AS kept
        (log, bucket, company, type, level, outcome, events)
    SELECT log, hour, company, type, level, outcome, sum(events) FROM unnest(counted)
    GROUP BY log, hour, company, type, level, outcome
    ON CONFLICT (log, bucket, company, type, level, outcome)
    DO UPDATE SET events = kept.events + excluded.events;
    INSERT INTO counterfoil.count_by_day AS kept (log, bucket, type, level, outcome, events)
    SELECT log, hour / 24, type, level, outcome, sum(events) FROM unnest(counted)
    GROUP BY log, hour / 24, type, level, outcome
    ON CONFLICT (log, bucket, type, level, outcome)
    DO UPDATE SET events = kept.events + excluded.events;

    UPDATE counterfoil.log SET size = head.size, recorded_at = head.recorded_at,
        frontier = head.frontier, origin = head.origin, sealed = head.sealed
    FROM unnest(moved) AS head WHERE log.number = head.number;
    RETURN true;
END
$$;

-- Begin another slice where the newest is full; whether one was begun. To attach a slice takes
-- no lock that a writer or reader waits for, and it is attached before an event goes into it.
-- The application may call this, and has no other right to make tables.
CREATE FUNCTION counterfoil.begin_slice() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    newest counterfoil.slice;
    parent text;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('counterfoil'), hashtext('slice')) THEN
        RETURN false;
    END IF;
    SELECT * INTO newest FROM counterfoil.slice ORDER BY number DESC LIMIT 1;
    IF pg_relation_size(format('counterfoil.event_%s', newest.number)::regclass) < newest.full_at
    THEN
        RETURN false;
    END IF;
    FOREACH parent IN ARRAY ARRAY['event', 'mention'] LOOP
        EXECUTE format(
            'CREATE TABLE counterfoil.%1$s_%2$s (LIKE counterfoil.%1$s INCLUDING ALL)',
            parent, newest.number + 1
        );
        EXECUTE format(
            'ALTER TABLE counterfoil.%1$s ATTACH PARTITION counterfoil.%1$s_%2$s '
            'FOR VALUES IN (%2$s)',
            parent, newest.number + 1
        );
    END LOOP;
    INSERT INTO counterfoil.slice (number, full_at) VALUES (newest.number + 1, newest.full_at);
    RETURN true;
END
$$;
REVOKE ALL ON FUNCTION counterfoil.begin_slice() FROM PUBLIC;

-- One more than the index of the last event of a log that was recorded before a time, or 0: a
-- binary search, as the times never decrease along the index. Events may have been purged.
CREATE FUNCTION counterfoil.boundary(base bigint, size bigint, moment bigint) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    low bigint := 0;
    high bigint := size;
    middle bigint;
    place bigint;
    at bigint;
BEGIN
    WHILE low < high LOOP
        middle := (low + high) / 2;
        SELECT position, recorded_at INTO place, at FROM counterfoil.event
        WHERE position >= base + middle AND position < base + high ORDER BY position LIMIT 1;
        IF FOUND AND at < moment THEN
            low := place - base + 1;
        ELSE
            high := middle;
        END IF;
    END LOOP;
    RETURN low;
END
$$;
