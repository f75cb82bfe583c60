-- End a session of ours that was lost from sight; whether it was still there.
SELECT coalesce(bool_or(pg_terminate_backend(pid)), false) FROM pg_stat_activity
WHERE pid = $1 AND backend_start = $2;
