-- A lease that was given back has lease_until at the start of 1970; one that
-- ran out belongs to a writer that may still be alive.

-- name: upload_insert
-- roles: registry
INSERT INTO upload (id, repository_id, object_id, account_id, epoch, received,
    lease_until, started, touched)
VALUES (?, ?, ?, ?, 0, 0, '1970-01-01 00:00:00', UTC_TIMESTAMP(6),
    UTC_TIMESTAMP(6));

-- name: upload_by_id
-- roles: registry
SELECT u.id, u.repository_id, u.object_id, o.object_key, u.epoch, u.received,
    u.hash_state,
    CASE WHEN u.lease_until = '1970-01-01 00:00:00' THEN 0
        WHEN u.lease_until > UTC_TIMESTAMP(6) THEN 1 ELSE 2 END
FROM upload u JOIN object o ON o.id = u.object_id
    JOIN repository r ON r.id = u.repository_id
WHERE u.id = ? AND r.path = ?;

-- An hour of silence, and an upload no longer counts.
-- name: upload_count
-- roles: registry
SELECT COUNT(*) FROM upload
WHERE account_id = ? AND touched > UTC_TIMESTAMP(6) - INTERVAL 1 HOUR;

-- As it was found, or somebody has worked on it since.
-- name: upload_claim
-- roles: registry
UPDATE upload SET epoch = ?, touched = UTC_TIMESTAMP(6),
    lease_until = UTC_TIMESTAMP(6) + INTERVAL ? SECOND
WHERE id = ? AND epoch = ? AND received = ? AND object_id = ?
    AND lease_until < UTC_TIMESTAMP(6)
    AND (lease_until = '1970-01-01 00:00:00') = ?;

-- name: upload_renew
-- roles: registry
UPDATE upload SET received = ?, hash_state = ?, touched = UTC_TIMESTAMP(6),
    lease_until = UTC_TIMESTAMP(6) + INTERVAL ? SECOND
WHERE id = ? AND epoch = ?;

-- The writer before may still be alive: whoever comes next takes over, too.
-- name: upload_leave
-- roles: registry
UPDATE upload SET touched = UTC_TIMESTAMP(6),
    lease_until = '1970-01-01 00:00:01'
WHERE id = ? AND epoch = ?;

-- name: upload_move
-- roles: registry
UPDATE upload SET object_id = ?, touched = UTC_TIMESTAMP(6)
WHERE id = ? AND epoch = ?;

-- name: upload_record
-- roles: registry
UPDATE upload SET received = ?, hash_state = ?, touched = UTC_TIMESTAMP(6),
    lease_until = '1970-01-01 00:00:00'
WHERE id = ? AND epoch = ?;

-- name: upload_delete
-- roles: registry
DELETE FROM upload WHERE id = ? AND epoch = ?;
