CREATE TABLE IF NOT EXISTS counterfoil.migration (
    number     integer PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
-- The roles of applications, which get their rights again where a migration made new tables.
CREATE TABLE IF NOT EXISTS counterfoil.application_role (name text PRIMARY KEY);
