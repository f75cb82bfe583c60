-- What tables hold is summed with their indexes; partitions are tables.
SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
WHERE relnamespace = 'counterfoil'::regnamespace AND relkind = 'r';
