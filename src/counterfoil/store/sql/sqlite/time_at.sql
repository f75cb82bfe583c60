-- The event at a position, or the next one where it was purged.
SELECT position, recorded_at FROM event WHERE position >= ? AND position < ?
ORDER BY position LIMIT 1;
