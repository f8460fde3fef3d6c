-- name: access_token_insert
-- roles: garant
INSERT INTO access_token (id, account_id, kind, label, service, secret_digest,
    basis, is_active, created)
VALUES (?, ?, ?, ?, ?, ?, ?, 1, UTC_TIMESTAMP(6));

-- A refresh token is as good as what it came by: not when the password was
-- changed or the access token revoked, even at the moment it was made. One that
-- was not used for long is forgotten, be it still there or not.
-- name: access_token_by_secret
-- roles: garant
SELECT a.id, a.name, a.kind, a.full_name, a.is_admin, a.is_active, NULL,
    t.kind, t.service, t.id, t.last_used IS NULL
        OR t.last_used < UTC_TIMESTAMP(6) - INTERVAL 5 MINUTE
FROM access_token t JOIN account a ON a.id = t.account_id
    LEFT JOIN account_password p ON p.account_id = a.id
WHERE t.secret_digest = ? AND t.is_active = 1 AND (t.kind = 1
    OR COALESCE(t.last_used, t.created) >= UTC_TIMESTAMP(6) - INTERVAL 90 DAY
        AND (t.basis = UNHEX(SHA2(p.hash, 256))
            OR EXISTS (SELECT 1 FROM access_token s
                WHERE s.secret_digest = t.basis AND s.kind = 1
                    AND s.is_active = 1)));

-- last_used is for people: one write in five minutes is enough
-- name: access_token_used
-- roles: garant
UPDATE access_token SET last_used = UTC_TIMESTAMP(6)
WHERE id = ? AND (last_used IS NULL
    OR last_used < UTC_TIMESTAMP(6) - INTERVAL 5 MINUTE);

-- name: access_token_revoke_refresh
-- roles: owner
UPDATE access_token SET is_active = 0
WHERE account_id = ? AND kind = 2 AND is_active = 1;

-- The condition on created is for the index: without it each login would read
-- and lock all tokens of its account, and two at once each other's.
-- name: access_token_purge_refresh
-- roles: garant
DELETE FROM access_token
WHERE account_id = ? AND kind = 2
    AND created < UTC_TIMESTAMP(6) - INTERVAL 90 DAY
    AND COALESCE(last_used, created) < UTC_TIMESTAMP(6) - INTERVAL 90 DAY
LIMIT 100;
