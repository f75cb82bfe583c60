INSERT INTO count_by_day (log, bucket, company, type, level, outcome, events) VALUES (:row)
ON CONFLICT (log, bucket, company, type, level, outcome) DO UPDATE SET events = events + excluded.events;
