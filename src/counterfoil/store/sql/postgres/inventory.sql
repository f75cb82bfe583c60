SELECT 'tile', log, level::integer, count(*) FROM counterfoil.tile GROUP BY log, level
UNION ALL SELECT 'checkpoint', log, 0, count(*) FROM counterfoil.checkpoint GROUP BY log
UNION ALL SELECT 'count_by_hour', log, 0, count(*) FROM counterfoil.count_by_hour GROUP BY log
UNION ALL SELECT 'count_by_day', log, 0, count(*) FROM counterfoil.count_by_day GROUP BY log;
