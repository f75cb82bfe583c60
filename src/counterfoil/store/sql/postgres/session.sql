-- What must be known of a session before it is used.
SELECT pg_backend_pid() AS process, current_setting('server_encoding') AS encoding,
    'off' NOT IN (
        current_setting('fsync'), current_setting('full_page_writes'),
        current_setting('synchronous_commit')
    ) AS synced,
    (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()) AS begun_at;
