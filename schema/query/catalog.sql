-- Names of repositories that have got a manifest, each list by an index in their
-- order. Left to itself MariaDB reads and sorts all of some thousand.

-- name: catalog_reader
-- roles: registry
SELECT is_admin FROM account WHERE id = ? AND is_active = 1;

-- name: catalog_all
-- roles: registry
SELECT r.path FROM repository r FORCE INDEX (repository_listed)
WHERE r.listed = 1 AND r.path > ?
ORDER BY r.path LIMIT ?;

-- name: catalog_public
-- roles: registry
SELECT r.path FROM repository r FORCE INDEX (repository_listed_visible)
WHERE r.visibility = 1 AND r.listed = 1 AND r.path > ?
ORDER BY r.path LIMIT ?;

-- name: catalog_namespace
-- roles: registry
SELECT r.path FROM repository r FORCE INDEX (repository_listed_place)
WHERE r.namespace_id = ? AND r.listed = 1 AND r.path > ?
ORDER BY r.path LIMIT ?;

-- Namespaces that somebody reads as a whole: his own, those of organisations
-- that he runs, those that a team of his has a right on. With what the names of
-- their repositories begin with, and in the order of that.
-- name: catalog_namespaces
-- roles: registry
SELECT a.id, CONCAT(a.name, '/') AS place
FROM (SELECT own.id FROM account own WHERE own.id = ?
    UNION
    SELECT m.org_id FROM org_member m WHERE m.member_id = ? AND m.is_admin = 1
    UNION
    SELECT g.namespace_id FROM team_member tm
        JOIN namespace_grant g ON g.team_id = tm.team_id
    WHERE tm.member_id = ?) s
    JOIN account a ON a.id = s.id
WHERE CONCAT(a.name, '/') > ?
ORDER BY place LIMIT ?;

-- name: catalog_granted
-- roles: registry
SELECT DISTINCT r.path FROM team_member tm
    JOIN repo_grant g ON g.team_id = tm.team_id
    JOIN repository r ON r.id = g.repository_id
WHERE tm.member_id = ? AND r.listed = 1 AND r.path > ?
ORDER BY r.path LIMIT ?;
