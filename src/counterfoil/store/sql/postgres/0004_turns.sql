-- Write a batch as before, but wait for a batch that is being committed: the next one is sent
-- before the answer to the last one has come. Where a head has gone beyond what the batch was built
-- on, that is seen without waiting.
CREATE OR REPLACE FUNCTION counterfoil.append(
    moved counterfoil.head_row[], fresh counterfoil.event_row[],
    people counterfoil.mention_row[], grown counterfoil.tile_row[], counted counterfoil.count_row[]
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    newest smallint;
    held integer;
    part counterfoil.tile_row;
BEGIN
    PERFORM counterfoil.sync_commits();

    -- What was read of a head that another session moves meanwhile is read again, and compared
    -- again, once it is locked. A condition outside would be tested before.
    SELECT count(*) FILTER (WHERE fits) INTO held FROM (
        SELECT log.size = head.old_size AND log.frontier = head.old_frontier
            AND log.sealed IS NOT DISTINCT FROM head.old_sealed AS fits
        FROM counterfoil.log JOIN unnest(moved) AS head ON log.number = head.number
        WHERE log.size <= head.old_size
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

-- Wait for one's turn to write to a log, where several processes do, and read its head and the leaf
-- hashes of its tile that is not full. A turn ends with the transaction. It is a courtesy: who does
-- not get it in time (milliseconds) writes without, and the head's row alone keeps writers apart.
CREATE FUNCTION counterfoil.take_turn(wanted text, patience bigint) RETURNS TABLE (
    name text, number integer, origin text, size bigint, recorded_at bigint, frontier bytea,
    sealed text, tail bytea
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('lock_timeout', patience::text, true);
    PERFORM pg_advisory_xact_lock(hashtextextended('counterfoil.turn.' || wanted, 0));
    RETURN QUERY
    SELECT log.name, log.number, log.origin, log.size, log.recorded_at, log.frontier, log.sealed, (
        SELECT string_agg(event.leaf, '' ORDER BY event.position) FROM counterfoil.event
        WHERE event.position >= (log.number::bigint << 40) + (log.size & ~255)
            AND event.position < (log.number::bigint << 40) + log.size
    )
    FROM counterfoil.log WHERE log.name = wanted COLLATE "C";
END
$$;
