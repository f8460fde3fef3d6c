-- name: blob_by_sha256
-- roles: registry
SELECT id, object_id, damaged, size FROM blob_content WHERE sha256 = ?;

-- name: blob_insert
-- roles: registry
INSERT INTO blob_content (id, sha256, sha512, size, object_id, created)
VALUES (?, ?, ?, ?, ?, UTC_TIMESTAMP(6));

-- name: blob_mend
-- roles: registry
UPDATE blob_content SET object_id = ?, damaged = 0 WHERE id = ? AND damaged = 1;

-- name: blob_set_sha512
-- roles: registry
UPDATE blob_content SET sha512 = ? WHERE id = ? AND sha512 IS NULL;

-- A blob as one repository sees it. One that was deleted while a manifest was
-- being pushed (hidden 1) counts as there if repo_blob_used finds that.
-- name: repo_blob_sha256
-- roles: registry
SELECT r.id, b.id, b.size, o.object_key,
    TIMESTAMPDIFF(SECOND, rb.touched, UTC_TIMESTAMP(6)), rb.hidden
FROM repository r JOIN blob_content b ON b.sha256 = ?
    JOIN repo_blob rb ON rb.repository_id = r.id AND rb.blob_id = b.id
    JOIN object o ON o.id = b.object_id
WHERE r.path = ? AND b.damaged = 0 AND rb.hidden <> 2;

-- The same for up to eight at once (db_lookup() in common/db/db.h).
-- name: repo_blobs_sha256
-- roles: registry
SELECT k.number, r.id, b.id, b.size, o.object_key,
    TIMESTAMPDIFF(SECOND, rb.touched, UTC_TIMESTAMP(6)), rb.hidden
FROM LOOKUPS(digest, path) k
    STRAIGHT_JOIN repository r ON r.path = k.path
    STRAIGHT_JOIN blob_content b ON b.sha256 = k.digest
    STRAIGHT_JOIN repo_blob rb ON rb.repository_id = r.id AND rb.blob_id = b.id
    STRAIGHT_JOIN object o ON o.id = b.object_id
WHERE b.damaged = 0 AND rb.hidden <> 2;

-- name: repo_blob_sha512
-- roles: registry
SELECT r.id, b.id, b.size, o.object_key,
    TIMESTAMPDIFF(SECOND, rb.touched, UTC_TIMESTAMP(6)), rb.hidden
FROM repository r JOIN blob_content b ON b.sha512 = ?
    JOIN repo_blob rb ON rb.repository_id = r.id AND rb.blob_id = b.id
    JOIN object o ON o.id = b.object_id
WHERE r.path = ? AND b.damaged = 0 AND rb.hidden <> 2;

-- What a mount meets: the blob where it comes from, and the repository that it
-- goes to, if there is one.
-- name: repo_blob_mount_sha256
-- roles: registry
SELECT r.id, b.id, b.size, o.object_key,
    TIMESTAMPDIFF(SECOND, rb.touched, UTC_TIMESTAMP(6)), rb.hidden,
    target.id, target.namespace_id, target.visibility, target.immutable_tags,
    target.tag_limit
FROM repository r JOIN blob_content b ON b.sha256 = ?
    JOIN repo_blob rb ON rb.repository_id = r.id AND rb.blob_id = b.id
    JOIN object o ON o.id = b.object_id
    LEFT JOIN repository target ON target.path = ?
WHERE r.path = ? AND b.damaged = 0 AND rb.hidden <> 2;

-- name: repo_blob_link
-- roles: registry
INSERT INTO repo_blob (repository_id, blob_id, touched, hidden)
VALUES (?, ?, UTC_TIMESTAMP(6), 0)
ON DUPLICATE KEY UPDATE touched = VALUES(touched), hidden = 0;

-- name: repo_blob_exists
-- roles: registry
SELECT b.id, b.sha512 FROM repo_blob rb JOIN blob_content b ON b.id = rb.blob_id
WHERE rb.repository_id = ? AND b.sha256 = ? AND rb.hidden = 0 AND b.damaged = 0;

-- Only what no manifest holds needs the promise of a fresh touch, which does
-- not bring back what was just deleted; a second one in the same moment changes
-- the row, too.
-- name: repo_blob_touch
-- roles: registry
UPDATE repo_blob
SET touched = GREATEST(UTC_TIMESTAMP(6), touched + INTERVAL 1 MICROSECOND)
WHERE repository_id = ? AND blob_id = ? AND hidden = 0;

-- The newest first: old ones are more likely deleted.
-- name: repo_blob_used
-- roles: registry
SELECT m.algorithm, m.digest FROM manifest_blob mb
    JOIN manifest m ON m.id = mb.manifest_id
WHERE mb.repository_id = ? AND mb.blob_id = ? AND m.hidden = 0
ORDER BY mb.manifest_id DESC LIMIT 1;

-- name: repo_blob_hide
-- roles: registry
UPDATE repo_blob SET hidden = 1
WHERE repository_id = ? AND blob_id = ? AND hidden = 0;

-- Even from manifests that use it: hidden for good, until it is pushed again.
-- name: repo_blob_hide_used
-- roles: registry
UPDATE repo_blob SET hidden = 2
WHERE repository_id = ? AND blob_id = ? AND hidden <> 2;
