-- Set a session up, and say what must be known of it before it is used. Settings that are sent on
-- connecting would be refused by a pooler.
SELECT pg_backend_pid() AS process, current_setting('server_encoding') AS encoding,
    'off' NOT IN (
        current_setting('fsync'), current_setting('full_page_writes'),
        current_setting('synchronous_commit')
    ) AS synced,
    (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()) AS begun_at,
    (
        SELECT count(set_config(wanted.name, wanted.value, false))
        FROM unnest($1::text[], $2::text[]) AS wanted (name, value)
    ) AS settings;
