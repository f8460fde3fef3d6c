-- Again with the same id: an earlier run of the transaction was committed.
-- name: event_insert
-- roles: registry
INSERT INTO event (id, kind, object, repository_id, repository, tag, algorithm,
    digest, media_type, size, from_repository, times, account_id, account,
    remote, request_id, user_agent, happened)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE times = VALUES(times);

-- name: event_find
-- roles: owner
SELECT 1 FROM event WHERE id = ?;

-- Pulls come in numbers.
-- name: event_insert_8
-- roles: registry
INSERT INTO event (id, kind, object, repository_id, repository, tag, algorithm,
    digest, media_type, size, from_repository, times, account_id, account,
    remote, request_id, user_agent, happened)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6)),
    (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6)),
    (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6)),
    (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6)),
    (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6)),
    (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6)),
    (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6)),
    (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE times = VALUES(times);

-- name: repository_counter_add
-- roles: registry
INSERT INTO repository_counter (repository_id, kind, shard, total)
VALUES (?, ?, ?, ?)
ON DUPLICATE KEY UPDATE total = total + VALUES(total);

-- Up to eight at once, NULL where there are fewer. Not of a tag that was deleted
-- since: another one may get its name.
-- name: tag_pull_add
-- roles: registry
INSERT INTO tag_pull (repository_id, name, shard, total, last_pulled)
SELECT t.repository_id, t.name, k.shard, k.times, UTC_TIMESTAMP(6)
FROM LOOKUPS(repository_id, name, shard, times) k
    STRAIGHT_JOIN tag t ON t.repository_id = k.repository_id AND t.name = k.name
ON DUPLICATE KEY UPDATE total = total + VALUES(total),
    last_pulled = VALUES(last_pulled);

-- name: tag_pull_delete
-- roles: registry
DELETE FROM tag_pull WHERE repository_id = ? AND name = ?;

-- A pull by digest is one of the tags that point there; clients resolve a tag
-- by HEAD and then ask for its digest.
-- name: tag_pull_add_manifest
-- roles: registry
INSERT INTO tag_pull (repository_id, name, shard, total, last_pulled)
SELECT t.repository_id, t.name, ?, ?, UTC_TIMESTAMP(6)
FROM tag t WHERE t.manifest_id = ? LIMIT 100
ON DUPLICATE KEY UPDATE total = total + VALUES(total),
    last_pulled = VALUES(last_pulled);
