SELECT log, size, signed_at, note FROM checkpoint WHERE log = ? ORDER BY size DESC LIMIT ?;
