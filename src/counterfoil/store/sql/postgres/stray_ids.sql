-- The ids of a page that lead to no event of theirs, and its last id, from which to go on.
WITH page AS MATERIALIZED (
    SELECT id, position, slice FROM counterfoil.id WHERE id > $1 ORDER BY id LIMIT $2
), looked AS (
    SELECT page.id, page.position, page.position BETWEEN $3 AND $4 AND NOT EXISTS (
        SELECT FROM counterfoil.event
        WHERE event.position = page.position AND event.slice = page.slice AND event.id = page.id
        -- An offset, so that it stays a question about each id and is not joined first.
        OFFSET 0
    ) AS is_stray FROM page
)
SELECT id, position, is_stray FROM looked
WHERE is_stray OR id = (SELECT id FROM page ORDER BY id DESC LIMIT 1)
ORDER BY id;
