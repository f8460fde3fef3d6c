-- name: setting_all
-- roles: registry garant api
SELECT name, value FROM setting ORDER BY name LIMIT 500;

-- name: setting_set
-- roles: owner
INSERT INTO setting (name, value, version, changed)
VALUES (?, ?, 1, UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE value = VALUES(value), version = version + 1,
    changed = VALUES(changed);

-- name: setting_increment
-- roles: owner
INSERT INTO setting (name, value, version, changed)
VALUES (?, '1', 1, UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE value = CAST(value AS SIGNED) + 1,
    version = version + 1, changed = VALUES(changed);
