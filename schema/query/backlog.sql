-- How much waits for the jobs, and how long, and what they did: for /metrics.
-- Counted no further than 10000 of each.
-- name: backlog
-- roles: api
SELECT (SELECT COUNT(*) FROM (SELECT id FROM upload LIMIT 10000) u),
    (SELECT COUNT(*) FROM (SELECT id FROM upload
        WHERE touched < UTC_TIMESTAMP(6) - INTERVAL ? SECOND LIMIT 10000) i),
    (SELECT COUNT(*) FROM (SELECT id FROM object
        WHERE state = 3 LIMIT 10000) d),
    (SELECT GREATEST(TIMESTAMPDIFF(SECOND, MIN(not_before),
        UTC_TIMESTAMP(6)), 0) FROM object WHERE state = 3),
    (SELECT COUNT(*) FROM (SELECT id1 FROM gc_review LIMIT 10000) r),
    (SELECT GREATEST(TIMESTAMPDIFF(SECOND, MIN(review_after),
        UTC_TIMESTAMP(6)), 0) FROM gc_review),
    (SELECT COUNT(*) FROM (SELECT id FROM object
        WHERE state = 1 LIMIT 10000) n),
    (SELECT SUM(bytes) FROM gc_freed);
