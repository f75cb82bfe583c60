-- One value, so that the interpreter lock is let go of once and not once a leaf.
SELECT group_concat(hex(leaf), '' ORDER BY position)
FROM event WHERE position >= ? AND position < ?;
