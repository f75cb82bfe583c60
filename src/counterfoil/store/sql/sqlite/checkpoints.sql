SELECT log, size, signed_at, note FROM checkpoint
WHERE log = ? AND size BETWEEN ? AND ? ORDER BY size DESC LIMIT ?;
