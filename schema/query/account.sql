-- name: account_by_name
-- roles: garant
SELECT a.id, a.name, a.kind, a.full_name, a.is_admin, a.is_active, p.hash
FROM account a LEFT JOIN account_password p ON p.account_id = a.id
WHERE a.name = ?;

-- name: account_list
-- roles: owner
SELECT a.id, a.name, a.kind, a.full_name, a.is_admin, a.is_active, NULL
FROM account a
WHERE a.name > ? ORDER BY a.name LIMIT ?;

-- name: account_insert
-- roles: owner
INSERT INTO account (id, name, kind, full_name, is_admin, is_active, created)
VALUES (?, ?, ?, ?, ?, 1, UTC_TIMESTAMP(6));

-- name: account_set_admin
-- roles: owner
UPDATE account SET is_admin = ?, is_active = ?
WHERE id = ? AND is_admin = ? AND is_active = ?;

-- name: account_password_set
-- roles: owner
INSERT INTO account_password (account_id, hash, changed)
VALUES (?, ?, UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE hash = VALUES(hash), changed = VALUES(changed);

-- name: account_flags
-- roles: owner
SELECT is_admin, is_active FROM account WHERE id = ?;

-- name: account_admin_count
-- roles: owner
SELECT COUNT(*) FROM account a JOIN account_password p ON p.account_id = a.id
WHERE a.kind = 1 AND a.is_admin = 1 AND a.is_active = 1;
