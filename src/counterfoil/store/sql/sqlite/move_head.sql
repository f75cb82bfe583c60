UPDATE log SET size = ?, recorded_at = ?, frontier = ? WHERE number = ?;
