-- name: tag_get
-- roles: registry
SELECT m.id, m.algorithm, m.digest, m.media_type, m.size
FROM tag t JOIN manifest m ON m.id = t.manifest_id
WHERE t.repository_id = ? AND t.name = ?;

-- name: tag_insert
-- roles: registry
INSERT INTO tag (repository_id, name, manifest_id, pushed_by, attached,
    created, updated)
VALUES (?, ?, ?, ?, ?, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6));

-- Who lost a race for a tag waits for its row before he looks again.
-- name: tag_lock
-- roles: registry
SELECT 1 FROM tag WHERE repository_id = ? AND name = ? FOR UPDATE;

-- name: tag_move
-- roles: registry
UPDATE tag SET manifest_id = ?, pushed_by = ?, attached = ?,
    updated = UTC_TIMESTAMP(6)
WHERE repository_id = ? AND name = ? AND manifest_id = ?;

-- name: tag_delete
-- roles: registry
DELETE FROM tag WHERE repository_id = ? AND name = ? AND manifest_id = ?;

-- One that is still the oldest: nobody has pushed it since it was found.
-- name: tag_delete_oldest
-- roles: registry
DELETE FROM tag
WHERE repository_id = ? AND name = ? AND manifest_id = ? AND updated = ?;

-- name: tag_history_insert
-- roles: registry
INSERT INTO tag_history (id, repository_id, name, manifest_id, action,
    account_id, happened, expires)
VALUES (?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6),
    UTC_TIMESTAMP(6) + INTERVAL ? SECOND);

-- What a tag pointed to last, and whether that can be brought back.
-- name: tag_history_last
-- roles: owner
SELECT STRAIGHT_JOIN m.id, m.algorithm, m.digest, m.media_type, m.size,
    m.hidden, h.expires > UTC_TIMESTAMP(6)
FROM tag_history h FORCE INDEX (tag_history_name)
    JOIN manifest m ON m.id = h.manifest_id
WHERE h.repository_id = ? AND h.name = ?
ORDER BY h.happened DESC, h.id DESC LIMIT 1;

-- A manifest, and whether a tag pointed to it and can be brought back there.
-- name: tag_history_digest
-- roles: owner
SELECT m.id, m.algorithm, m.digest, m.media_type, m.size, m.hidden,
    h.id IS NOT NULL
FROM manifest m LEFT JOIN tag_history h ON h.manifest_id = m.id
    AND h.name = ? AND h.expires > UTC_TIMESTAMP(6)
WHERE m.repository_id = ? AND m.digest = ? LIMIT 1;

-- Those of one tag, and of all tags, that happened before (happened, id), the
-- newest first.
-- name: tag_history_list
-- roles: owner
SELECT STRAIGHT_JOIN h.id, h.name, m.algorithm, m.digest, h.action, a.name,
    h.happened, DATE_FORMAT(h.happened, '%Y-%m-%dT%H:%i:%sZ'),
    DATE_FORMAT(h.expires, '%Y-%m-%dT%H:%i:%sZ'),
    h.expires > UTC_TIMESTAMP(6)
FROM tag_history h FORCE INDEX (tag_history_name)
    JOIN manifest m ON m.id = h.manifest_id
    LEFT JOIN account a ON a.id = h.account_id
WHERE h.repository_id = ? AND h.name = ? AND h.happened <= ?
    AND (h.happened < ? OR h.id < ?)
ORDER BY h.happened DESC, h.id DESC LIMIT ?;

-- name: tag_history_list_all
-- roles: owner
SELECT STRAIGHT_JOIN h.id, h.name, m.algorithm, m.digest, h.action, a.name,
    h.happened, DATE_FORMAT(h.happened, '%Y-%m-%dT%H:%i:%sZ'),
    DATE_FORMAT(h.expires, '%Y-%m-%dT%H:%i:%sZ'),
    h.expires > UTC_TIMESTAMP(6)
FROM tag_history h FORCE INDEX (tag_history_happened)
    JOIN manifest m ON m.id = h.manifest_id
    LEFT JOIN account a ON a.id = h.account_id
WHERE h.repository_id = ? AND h.happened <= ?
    AND (h.happened < ? OR h.id < ?)
ORDER BY h.happened DESC, h.id DESC LIMIT ?;

-- name: tag_list
-- roles: registry
SELECT name FROM tag WHERE repository_id = ? AND name > ?
ORDER BY name LIMIT ?;

-- Of its repository, the only one: so the index has their order.
-- name: tag_of_manifest
-- roles: registry
SELECT name FROM tag WHERE manifest_id = ?
ORDER BY repository_id, name LIMIT ?;

-- Those beyond the first ? by their last push, but for attached ones and those
-- that are being pushed. The first ones are read in an index alone.
-- name: tag_oldest
-- roles: registry
SELECT t.name, t.updated, t.manifest_id, m.algorithm, m.digest, m.media_type,
    m.size
FROM (SELECT repository_id, name FROM tag
    WHERE repository_id = ? AND attached = 0 AND name NOT IN (?*32)
    ORDER BY updated DESC, name DESC LIMIT ?, 50) oldest
    JOIN tag t ON t.repository_id = oldest.repository_id
        AND t.name = oldest.name
    JOIN manifest m ON m.id = t.manifest_id;
