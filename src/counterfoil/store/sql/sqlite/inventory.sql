SELECT 'tile', log, level, count(*) FROM tile GROUP BY log, level
UNION ALL SELECT 'checkpoint', log, 0, count(*) FROM checkpoint GROUP BY log
UNION ALL SELECT 'count_by_hour', log, 0, count(*) FROM count_by_hour GROUP BY log
UNION ALL SELECT 'count_by_day', log, 0, count(*) FROM count_by_day GROUP BY log;
