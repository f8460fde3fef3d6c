-- name: search_word_insert
-- roles: registry
INSERT INTO repository_word (word, repository_id) VALUES (?, ?);

-- A step through the words behind (word, id) and before an end, with what is
-- needed to show their repositories, and whether this caller may read them.
-- It looks at as many rows as the limit says and no more, be they readable or
-- not; left to choose, the optimizer at times reads all repositories first and
-- sorts. Parameters: is the caller an administrator, four times his account's
-- id (NULL for nobody), the end, the word (twice), the id, and the limit.
-- name: search_words
-- roles: api
SELECT STRAIGHT_JOIN w.word, w.repository_id, r.path, r.short_description,
    (? = 1 OR r.visibility = 1 OR r.namespace_id = ?
        OR EXISTS (SELECT 1 FROM org_member m
            WHERE m.org_id = r.namespace_id AND m.member_id = ?
                AND m.is_admin = 1)
        OR EXISTS (SELECT 1 FROM repo_grant g
            JOIN team_member tm ON tm.team_id = g.team_id
            WHERE g.repository_id = r.id AND tm.member_id = ?)
        OR EXISTS (SELECT 1 FROM namespace_grant g
            JOIN team_member tm ON tm.team_id = g.team_id
            WHERE g.namespace_id = r.namespace_id AND tm.member_id = ?))
FROM repository_word w FORCE INDEX (PRIMARY)
    JOIN repository r FORCE INDEX (PRIMARY) ON r.id = w.repository_id
WHERE w.word < ?
    AND (w.word > ? OR (w.word = ? AND w.repository_id > ?))
ORDER BY w.word, w.repository_id LIMIT ?;
