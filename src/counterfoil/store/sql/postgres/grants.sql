-- What an application needs, and no more. It may add events and whatever stands beside them, and
-- move what grows with each of them; it may change or delete no event, no disclosure, no
-- checkpoint and no fact about the database. :role stands for its quoted name.
GRANT USAGE ON SCHEMA counterfoil TO :role;
GRANT SELECT ON ALL TABLES IN SCHEMA counterfoil TO :role;
GRANT INSERT ON counterfoil.event, counterfoil.id, counterfoil.mention, counterfoil.checkpoint,
    counterfoil.meta, counterfoil.company_log, counterfoil.log, counterfoil.tile,
    counterfoil.count_by_hour, counterfoil.count_by_day TO :role;
GRANT UPDATE (origin, size, recorded_at, frontier, sealed) ON counterfoil.log TO :role;
GRANT UPDATE (hashes) ON counterfoil.tile TO :role;
GRANT UPDATE (events) ON counterfoil.count_by_hour, counterfoil.count_by_day TO :role;
GRANT INSERT, UPDATE, DELETE ON counterfoil.registry TO :role;
GRANT EXECUTE ON FUNCTION counterfoil.begin_slice() TO :role;
