-- name: repository_by_path
-- roles: registry garant
SELECT id, namespace_id, visibility FROM repository WHERE path = ?;

-- name: repository_namespace
-- roles: registry
SELECT id FROM account WHERE name = ?;

-- name: repository_insert
-- roles: registry
INSERT INTO repository (id, namespace_id, path, visibility, state, created)
VALUES (?, ?, ?, ?, 1, UTC_TIMESTAMP(6));

-- Repositories with a tag that the account may read, by name. Parameters: the
-- name to start behind, is the caller an administrator, then four times his
-- account's id (NULL for nobody), and the page's size.
-- name: repository_catalog
-- roles: registry
SELECT r.path
FROM repository r
WHERE r.path > ?
    AND EXISTS (SELECT 1 FROM tag t WHERE t.repository_id = r.id)
    AND (? = 1 OR r.visibility = 1 OR r.namespace_id = ?
        OR EXISTS (SELECT 1 FROM org_member m
            WHERE m.org_id = r.namespace_id AND m.member_id = ?
                AND m.is_admin = 1)
        OR EXISTS (SELECT 1 FROM repo_grant g
            JOIN team_member tm ON tm.team_id = g.team_id
            WHERE g.repository_id = r.id AND tm.member_id = ?)
        OR EXISTS (SELECT 1 FROM namespace_grant g
            JOIN team_member tm ON tm.team_id = g.team_id
            WHERE g.namespace_id = r.namespace_id AND tm.member_id = ?))
ORDER BY r.path LIMIT ?;

-- name: repository_reader
-- roles: registry
SELECT id, is_admin FROM account WHERE name = ? AND is_active = 1;
