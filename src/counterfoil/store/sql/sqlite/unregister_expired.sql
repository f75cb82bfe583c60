DELETE FROM registry WHERE expires_at <= ?;
