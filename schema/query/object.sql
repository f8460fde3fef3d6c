-- name: object_insert
-- roles: registry
INSERT INTO object (id, store, object_key, state, not_before, created)
VALUES (?, ?, ?, ?, ?, UTC_TIMESTAMP(6));

-- name: object_insert_spare
-- roles: registry
INSERT INTO object (id, store, object_key, state, not_before, created)
VALUES (?, ?, ?, 3, UTC_TIMESTAMP(6) + INTERVAL 1 DAY, UTC_TIMESTAMP(6));

-- name: object_revive
-- roles: registry
UPDATE object SET state = 1, not_before = NULL WHERE id = ? AND state = 3;

-- name: object_live
-- roles: registry
UPDATE object SET state = 2, blob_id = ? WHERE id = ? AND state = 1;

-- name: object_doom
-- roles: registry
UPDATE object SET state = 3, blob_id = NULL,
    not_before = UTC_TIMESTAMP(6) + INTERVAL ? SECOND
WHERE id = ? AND state <> 3;
