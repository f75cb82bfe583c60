INSERT INTO mention (position, name, person, stored) VALUES (?, ?, ?, ?);
