-- name: repository_by_path
-- roles: registry
SELECT id, namespace_id, visibility, immutable_tags, tag_limit
FROM repository WHERE path = ?;

-- name: repository_namespace
-- roles: registry
SELECT id FROM account WHERE name = ?;

-- name: repository_insert
-- roles: registry
INSERT INTO repository (id, namespace_id, path, visibility, immutable_tags,
    tag_limit, state, created)
VALUES (?, ?, ?, ?, ?, ?, 1, UTC_TIMESTAMP(6));

-- name: repository_lock
-- roles: owner
SELECT id, namespace_id, visibility, immutable_tags, tag_limit
FROM repository WHERE id = ? FOR UPDATE;

-- name: repository_set
-- roles: owner
UPDATE repository SET visibility = ?, immutable_tags = ?, tag_limit = ?
WHERE id = ?;

-- name: repository_list
-- roles: owner
SELECT r.path, r.visibility, r.immutable_tags, r.tag_limit,
    (SELECT COALESCE(SUM(c.total), 0) FROM repository_counter c
        WHERE c.repository_id = r.id AND c.kind = 1),
    (SELECT COALESCE(SUM(c.total), 0) FROM repository_counter c
        WHERE c.repository_id = r.id AND c.kind = 2)
FROM repository r WHERE r.path > ? ORDER BY r.path LIMIT ?;

-- name: repository_mark_listed
-- roles: registry
UPDATE repository SET listed = 1 WHERE id = ? AND listed = 0;
