-- Which log is a company's own. Log names are published, so that each is random, and what it
-- stands for is said here alone.
CREATE TABLE company_log (
    company TEXT PRIMARY KEY,
    log     TEXT NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

-- Where a log has gone that is not written to any more; NULL for all others.
ALTER TABLE log ADD COLUMN sealed TEXT;
