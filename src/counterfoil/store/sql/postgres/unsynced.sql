-- A setting that leaves commits unsynced, and where it was set.
SELECT name, source FROM pg_settings
WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off'
ORDER BY name LIMIT 1;
