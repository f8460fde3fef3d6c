-- A later date wins: what was touched again is looked at later.
-- name: gc_review_queue
-- roles: registry
INSERT INTO gc_review (kind, id1, id2, review_after)
VALUES (?, ?, ?, UTC_TIMESTAMP(6) + INTERVAL ? SECOND)
ON DUPLICATE KEY UPDATE
    review_after = GREATEST(review_after, VALUES(review_after));
