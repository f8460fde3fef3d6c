-- Uploads that nobody went on with, and objects that nothing needs.

-- name: gc_idle_uploads
-- roles: jobs
SELECT id, object_id, epoch FROM upload
WHERE touched < UTC_TIMESTAMP(6) - INTERVAL ? SECOND
    AND lease_until < UTC_TIMESTAMP(6)
ORDER BY touched LIMIT ?;

-- As it was found: a writer that is back took a new epoch, renewed its lease,
-- took another object or recorded something.
-- name: gc_upload_delete
-- roles: jobs
DELETE FROM upload
WHERE id = ? AND epoch = ? AND object_id = ?
    AND touched < UTC_TIMESTAMP(6) - INTERVAL ? SECOND
    AND lease_until < UTC_TIMESTAMP(6);

-- Its writer may be alive after all: the object goes a while later.
-- name: gc_object_doom
-- roles: jobs
UPDATE object SET state = 3, blob_id = NULL,
    not_before = UTC_TIMESTAMP(6) + INTERVAL ? SECOND
WHERE id = ? AND state = 1;

-- name: gc_doomed_objects
-- roles: jobs
SELECT id, object_key FROM object
WHERE state = 3 AND not_before <= UTC_TIMESTAMP(6)
ORDER BY not_before LIMIT ?;

-- name: gc_object_delete
-- roles: jobs
DELETE FROM object WHERE id = ? AND state = 3;

-- name: gc_freed_add
-- roles: jobs
INSERT INTO gc_freed (shard, bytes) VALUES (?, ?)
ON DUPLICATE KEY UPDATE bytes = bytes + VALUES(bytes);

-- name: gc_object_postpone
-- roles: jobs
UPDATE object SET tries = tries + 1,
    not_before = UTC_TIMESTAMP(6) + INTERVAL ? SECOND
WHERE id = ? AND state = 3;
