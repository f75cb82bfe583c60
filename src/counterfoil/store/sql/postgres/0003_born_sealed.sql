-- In a database that is sealed, a log is born sealed. A seal waits for the logs that are being
-- made, and what comes after it sees it.
CREATE FUNCTION counterfoil.await_new_logs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('counterfoil.new_log', 0));
    RETURN NEW;
END
$$;

CREATE TRIGGER seal BEFORE INSERT ON counterfoil.registry
FOR EACH ROW WHEN (NEW.kind = 'seal') EXECUTE FUNCTION counterfoil.await_new_logs();

CREATE OR REPLACE FUNCTION counterfoil.lock_heads(names text[], origins text[])
RETURNS SETOF counterfoil.log LANGUAGE plpgsql AS $$
BEGIN
    PERFORM counterfoil.sync_commits();
    IF EXISTS (
        SELECT FROM unnest(names) AS wanted (name)
        WHERE NOT EXISTS (SELECT FROM counterfoil.log WHERE log.name = wanted.name COLLATE "C")
    ) THEN
        PERFORM pg_advisory_xact_lock_shared(hashtextextended('counterfoil.new_log', 0));
        INSERT INTO counterfoil.log (name, origin, sealed)
        SELECT wanted.name, wanted.origin,
            (SELECT convert_from(value, 'UTF8') FROM counterfoil.registry WHERE kind = 'seal')
        FROM unnest(names, origins) AS wanted (name, origin)
        WHERE NOT EXISTS (SELECT FROM counterfoil.log WHERE log.name = wanted.name COLLATE "C")
        ORDER BY wanted.name COLLATE "C"
        ON CONFLICT (name) DO NOTHING;
    END IF;
    RETURN QUERY
    SELECT log.* FROM counterfoil.log WHERE log.name = ANY (names) ORDER BY log.name FOR UPDATE;
END
$$;
