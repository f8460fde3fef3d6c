-- What refers to a subject, in two steps: the sizes of a page first, since
-- annotations may be large; then the rows that fit.

-- name: referrer_sizes
-- roles: registry
SELECT m.id, LENGTH(m.annotations)
FROM repository r JOIN manifest m ON m.repository_id = r.id
WHERE r.path = ? AND m.subject = ? AND m.id > ? AND m.hidden = 0
ORDER BY m.id LIMIT ?;

-- name: referrer_list
-- roles: registry
SELECT m.id, m.algorithm, m.digest, m.media_type, m.size, m.artifact_type,
    m.annotations
FROM repository r JOIN manifest m ON m.repository_id = r.id
WHERE r.path = ? AND m.subject = ? AND m.id > ? AND m.hidden = 0
ORDER BY m.id LIMIT ?;

-- name: referrer_sizes_of_type
-- roles: registry
SELECT m.id, LENGTH(m.annotations)
FROM repository r JOIN manifest m ON m.repository_id = r.id
WHERE r.path = ? AND m.subject = ? AND m.artifact_type = ? AND m.id > ?
    AND m.hidden = 0
ORDER BY m.id LIMIT ?;

-- name: referrer_list_of_type
-- roles: registry
SELECT m.id, m.algorithm, m.digest, m.media_type, m.size, m.artifact_type,
    m.annotations
FROM repository r JOIN manifest m ON m.repository_id = r.id
WHERE r.path = ? AND m.subject = ? AND m.artifact_type = ? AND m.id > ?
    AND m.hidden = 0
ORDER BY m.id LIMIT ?;

-- Of the manifests that a fallback tag's index names: which are there, and
-- which refer to the subject themselves.
-- name: referrer_known
-- roles: registry
SELECT m.digest, COALESCE(m.subject = ?, 0)
FROM repository r JOIN manifest m ON m.repository_id = r.id
WHERE r.path = ? AND m.digest IN (?*16) AND m.hidden = 0 LIMIT 16;
