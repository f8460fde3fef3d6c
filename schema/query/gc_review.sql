-- A later date wins: what was touched again is looked at later.
-- name: gc_review_queue
-- roles: registry
INSERT INTO gc_review (kind, id1, id2, review_after)
VALUES (?, ?, ?, UTC_TIMESTAMP(6) + INTERVAL ? SECOND)
ON DUPLICATE KEY UPDATE
    review_after = GREATEST(review_after, VALUES(review_after));

-- What a manifest refers to, before it does no more.
-- name: gc_review_queue_blobs
-- roles: registry
INSERT INTO gc_review (kind, id1, id2, review_after)
SELECT 2, repository_id, blob_id, UTC_TIMESTAMP(6) + INTERVAL ? SECOND
FROM manifest_blob WHERE manifest_id = ?
ON DUPLICATE KEY UPDATE
    review_after = GREATEST(review_after, VALUES(review_after));

-- name: gc_review_queue_children
-- roles: registry
INSERT INTO gc_review (kind, id1, id2, review_after)
SELECT 1, child_id, x'00000000000000000000000000000000',
    UTC_TIMESTAMP(6) + INTERVAL ? SECOND
FROM manifest_child WHERE parent_id = ?
ON DUPLICATE KEY UPDATE
    review_after = GREATEST(review_after, VALUES(review_after));
