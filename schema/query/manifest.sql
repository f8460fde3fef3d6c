-- name: manifest_by_tag
-- roles: registry
SELECT m.id, m.algorithm, m.digest, m.media_type, m.size, r.id,
    TIMESTAMPDIFF(SECOND, m.touched, UTC_TIMESTAMP(6))
FROM repository r JOIN tag t ON t.repository_id = r.id AND t.name = ?
    JOIN manifest m ON m.id = t.manifest_id
WHERE r.path = ?;

-- The same for up to eight at once (db_lookup() in common/db/db.h).
-- name: manifest_by_tags
-- roles: registry
SELECT k.number, m.id, m.algorithm, m.digest, m.media_type, m.size, r.id,
    TIMESTAMPDIFF(SECOND, m.touched, UTC_TIMESTAMP(6))
FROM LOOKUPS(name, path) k
    STRAIGHT_JOIN repository r ON r.path = k.path
    STRAIGHT_JOIN tag t ON t.repository_id = r.id AND t.name = k.name
    STRAIGHT_JOIN manifest m ON m.id = t.manifest_id;

-- name: manifest_by_digest
-- roles: registry
SELECT m.id, m.algorithm, m.digest, m.media_type, m.size, r.id,
    TIMESTAMPDIFF(SECOND, m.touched, UTC_TIMESTAMP(6))
FROM repository r
    JOIN manifest m ON m.repository_id = r.id AND m.digest = ?
WHERE r.path = ? AND m.hidden = 0;

-- name: manifest_by_digests
-- roles: registry
SELECT k.number, m.id, m.algorithm, m.digest, m.media_type, m.size, r.id,
    TIMESTAMPDIFF(SECOND, m.touched, UTC_TIMESTAMP(6))
FROM LOOKUPS(digest, path) k
    STRAIGHT_JOIN repository r ON r.path = k.path
    STRAIGHT_JOIN manifest m ON m.repository_id = r.id AND m.digest = k.digest
WHERE m.hidden = 0;

-- name: manifest_payload
-- roles: registry
SELECT payload FROM manifest_payload WHERE manifest_id = ?;

-- What a push meets: the repository, the manifest if it came before, and what
-- its first tag points to. No lock: the changes that follow check it.
-- name: manifest_push_state
-- roles: registry
SELECT r.id, r.namespace_id, r.visibility, r.immutable_tags, r.tag_limit,
    own.id, own.hidden, own.media_type,
    m.id, m.algorithm, m.digest, m.media_type, m.size, r.listed
FROM repository r
    LEFT JOIN manifest own ON own.repository_id = r.id AND own.digest = ?
    LEFT JOIN tag t ON t.repository_id = r.id AND t.name = ?
    LEFT JOIN manifest m ON m.id = t.manifest_id
WHERE r.path = ?;

-- name: manifest_insert
-- roles: registry
INSERT INTO manifest (id, repository_id, algorithm, digest, size, pushed_by,
    media_type, artifact_type, subject_algorithm, subject, annotations,
    image_size, created, touched)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6),
    UTC_TIMESTAMP(6));

-- name: manifest_describe
-- roles: registry
UPDATE manifest SET media_type = ?, artifact_type = ?, subject_algorithm = ?,
    subject = ?, annotations = ?, image_size = ?
WHERE id = ?;

-- name: manifest_payload_insert
-- roles: registry
INSERT INTO manifest_payload (manifest_id, payload) VALUES (?, ?);

-- It takes the row's lock, and conflicts with a deletion on another node.
-- name: manifest_touch
-- roles: registry
UPDATE manifest SET hidden = 0,
    touched = GREATEST(UTC_TIMESTAMP(6), touched + INTERVAL 1 MICROSECOND)
WHERE id = ? AND hidden = ?;

-- A promise does not bring back what was just deleted; a second one in the same
-- moment changes the row, too.
-- name: manifest_keep
-- roles: registry
UPDATE manifest
SET touched = GREATEST(UTC_TIMESTAMP(6), touched + INTERVAL 1 MICROSECOND)
WHERE id = ? AND hidden = 0;

-- name: manifest_hide
-- roles: registry
UPDATE manifest SET hidden = 1 WHERE id = ? AND hidden = 0;

-- What can be linked is what repo_blob_find() finds, in two steps: hardly ever
-- is there one left for the second, which reads the table it writes to.
-- name: manifest_blob_link_sha256
-- roles: registry
INSERT INTO manifest_blob (manifest_id, blob_id, repository_id)
SELECT ?, rb.blob_id, rb.repository_id
FROM blob_content b
    STRAIGHT_JOIN repo_blob rb ON rb.blob_id = b.id AND rb.repository_id = ?
WHERE b.sha256 IN (?*16) AND b.damaged = 0 AND rb.hidden = 0
ORDER BY b.id;

-- Also those that were deleted while other manifests use them, and not those
-- that are linked.
-- name: manifest_blob_link_rest_sha256
-- roles: registry
INSERT INTO manifest_blob (manifest_id, blob_id, repository_id)
SELECT ?, rb.blob_id, rb.repository_id
FROM blob_content b
    STRAIGHT_JOIN repo_blob rb ON rb.blob_id = b.id AND rb.repository_id = ?
WHERE b.sha256 IN (?*16) AND b.damaged = 0 AND (rb.hidden = 0
    OR rb.hidden = 1 AND EXISTS (SELECT 1 FROM manifest_blob mb
        JOIN manifest m ON m.id = mb.manifest_id
        WHERE mb.repository_id = rb.repository_id
            AND mb.blob_id = rb.blob_id AND m.hidden = 0))
    AND NOT EXISTS (SELECT 1 FROM manifest_blob mb
        WHERE mb.manifest_id = ? AND mb.blob_id = rb.blob_id)
ORDER BY b.id;

-- The same blob may have been named by both of its digests.
-- name: manifest_blob_link_rest_sha512
-- roles: registry
INSERT INTO manifest_blob (manifest_id, blob_id, repository_id)
SELECT ?, rb.blob_id, rb.repository_id
FROM blob_content b
    STRAIGHT_JOIN repo_blob rb ON rb.blob_id = b.id AND rb.repository_id = ?
WHERE b.sha512 IN (?*16) AND b.damaged = 0 AND (rb.hidden = 0
    OR rb.hidden = 1 AND EXISTS (SELECT 1 FROM manifest_blob mb
        JOIN manifest m ON m.id = mb.manifest_id
        WHERE mb.repository_id = rb.repository_id
            AND mb.blob_id = rb.blob_id AND m.hidden = 0))
    AND NOT EXISTS (SELECT 1 FROM manifest_blob mb
        WHERE mb.manifest_id = ? AND mb.blob_id = rb.blob_id)
ORDER BY b.id;

-- name: manifest_blob_linked_sha256
-- roles: registry
SELECT b.sha256 FROM blob_content b
    JOIN manifest_blob mb ON mb.manifest_id = ? AND mb.blob_id = b.id
WHERE b.sha256 IN (?*16) LIMIT 16;

-- name: manifest_blob_linked_sha512
-- roles: registry
SELECT b.sha512 FROM blob_content b
    JOIN manifest_blob mb ON mb.manifest_id = ? AND mb.blob_id = b.id
WHERE b.sha512 IN (?*16) LIMIT 16;

-- What a manifest refers to and was deleted by force.
-- name: manifest_blob_cut
-- roles: registry
SELECT 0, b.sha256 FROM manifest_blob mb JOIN repo_blob rb
    ON rb.repository_id = mb.repository_id AND rb.blob_id = mb.blob_id
    JOIN blob_content b ON b.id = rb.blob_id
WHERE mb.manifest_id = ? AND rb.hidden = 2 LIMIT ?;

-- name: manifest_child_cut
-- roles: registry
SELECT m.algorithm, m.digest FROM manifest_child c
    JOIN manifest m ON m.id = c.child_id
WHERE c.parent_id = ? AND m.hidden = 1 LIMIT ?;

-- What was deleted while this manifest uses it, and so is there, is there
-- without it.
-- name: manifest_blob_show
-- roles: registry
UPDATE manifest_blob mb JOIN repo_blob rb
    ON rb.repository_id = mb.repository_id AND rb.blob_id = mb.blob_id
SET rb.hidden = 0
WHERE mb.manifest_id = ? AND rb.hidden = 1;

-- name: manifest_blob_unlink
-- roles: registry
DELETE FROM manifest_blob WHERE manifest_id = ?;

-- Before the link, whose foreign key is in the way of a row's end, not of its
-- hiding: a deletion on another node conflicts with this change alone. One on
-- this node is waited for.
-- name: manifest_child_touch
-- roles: registry
UPDATE manifest SET touched = UTC_TIMESTAMP(6)
WHERE repository_id = ? AND digest IN (?*16) AND hidden = 0;

-- The same for an index that comes back with the links it had.
-- name: manifest_child_keep
-- roles: owner
UPDATE manifest_child c JOIN manifest m ON m.id = c.child_id
SET m.touched = GREATEST(UTC_TIMESTAMP(6), m.touched + INTERVAL 1 MICROSECOND)
WHERE c.parent_id = ? AND m.hidden = 0;

-- The lock is the one that the foreign key takes as well: a child that is
-- being deleted is waited for and then seen as deleted.
-- name: manifest_child_link
-- roles: registry
INSERT INTO manifest_child (parent_id, child_id)
SELECT ?, m.id FROM manifest m
WHERE m.repository_id = ? AND m.digest IN (?*16) AND m.hidden = 0
ORDER BY m.id LOCK IN SHARE MODE;

-- By their digests, not by the parent, which may have thousands.
-- name: manifest_child_linked
-- roles: registry
SELECT m.digest FROM manifest p
    STRAIGHT_JOIN manifest m ON p.id = ? AND m.repository_id = p.repository_id
    STRAIGHT_JOIN manifest_child c ON c.parent_id = p.id AND c.child_id = m.id
WHERE m.digest IN (?*16) LIMIT 16;

-- name: manifest_child_unlink
-- roles: registry
DELETE FROM manifest_child WHERE parent_id = ?;

-- name: manifest_parent
-- roles: registry
SELECT p.algorithm, p.digest FROM manifest_child c
    JOIN manifest p ON p.id = c.parent_id
WHERE c.child_id = ? AND p.hidden = 0 LIMIT 1;

-- name: manifest_held
-- roles: registry
SELECT 1 FROM tag WHERE manifest_id = ? LIMIT 1;
