-- The key that signs now: the newest whose time has come. Newest, not the one
-- whose time came last: a rotation in haste overtakes one before it. One that
-- was retired is older, whatever a clock that went wrong has made of it.
-- name: token_key_signing
-- roles: garant
SELECT k.kid, k.sealed, c.certificate
FROM token_key k JOIN token_certificate c ON c.kid = k.kid
WHERE k.sign_from <= UTC_TIMESTAMP(6)
    AND (c.verify_until IS NULL OR c.verify_until > UTC_TIMESTAMP(6))
ORDER BY c.verify_until IS NULL DESC, c.created DESC, k.kid LIMIT 1;

-- name: token_key_insert
-- roles: owner
INSERT INTO token_key (kid, sealed, created, sign_from)
VALUES (?, ?, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL ? SECOND);

-- name: token_certificate_insert
-- roles: owner
INSERT INTO token_certificate (kid, certificate, created)
VALUES (?, ?, UTC_TIMESTAMP(6));

-- Older keys verify for a while after the newer one took over.
-- name: token_certificate_retire
-- roles: owner
UPDATE token_certificate SET verify_until = UTC_TIMESTAMP(6) + INTERVAL ? SECOND
WHERE kid <> ? AND verify_until IS NULL;

-- name: token_key_purge
-- roles: owner
DELETE k FROM token_key k JOIN token_certificate c ON c.kid = k.kid
WHERE c.verify_until < UTC_TIMESTAMP(6);

-- name: token_certificate_purge
-- roles: owner
DELETE FROM token_certificate WHERE verify_until < UTC_TIMESTAMP(6) LIMIT 100;

-- name: token_certificates
-- roles: garant registry
SELECT kid, certificate FROM token_certificate
WHERE verify_until IS NULL OR verify_until > UTC_TIMESTAMP(6)
ORDER BY created DESC LIMIT 32;

-- What each key does now, newest first. Ages instead of dates: the clock is
-- the database's.
-- name: token_key_states
-- roles: owner
SELECT c.kid, TIMESTAMPDIFF(SECOND, c.created, UTC_TIMESTAMP(6)),
    TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(6), c.verify_until),
    k.sign_from > UTC_TIMESTAMP(6)
FROM token_certificate c LEFT JOIN token_key k ON k.kid = c.kid
WHERE c.verify_until IS NULL OR c.verify_until > UTC_TIMESTAMP(6)
ORDER BY c.verify_until IS NULL DESC, c.created DESC, c.kid LIMIT 32;
