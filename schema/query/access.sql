-- All facts that access_decide() needs, in one row: of the namespace, the
-- repository (if it exists), and the account's memberships and team grants.
-- name: access_facts
-- roles: garant
SELECT n.id, n.kind, r.id, r.visibility, m.is_admin,
    (SELECT MAX(g.level) FROM repo_grant g
        JOIN team_member tm ON tm.team_id = g.team_id
        WHERE g.repository_id = r.id AND tm.member_id = ?),
    (SELECT MAX(g.level) FROM namespace_grant g
        JOIN team_member tm ON tm.team_id = g.team_id
        WHERE g.namespace_id = n.id AND tm.member_id = ?)
FROM account n
    LEFT JOIN repository r ON r.path = ?
    LEFT JOIN org_member m ON m.org_id = n.id AND m.member_id = ?
WHERE n.name = ?;
