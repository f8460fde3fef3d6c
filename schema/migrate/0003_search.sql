-- Search: every end of a repository's name that begins a word, so that what
-- people type is found by one range of an index. "a/my-tool" has "a/my-tool",
-- "my-tool" and "tool". common/model/search.c writes them with the repository.

CREATE TABLE IF NOT EXISTS repository_word (
    word VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    repository_id BINARY(16) NOT NULL,
    PRIMARY KEY (word, repository_id),
    KEY repository_word_repository (repository_id),
    CONSTRAINT repository_word_repo FOREIGN KEY (repository_id) REFERENCES repository (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Those that are there already, and what older programs make; MySQL has no
-- regular expressions of bytes. A name that lacks itself is to be done: it comes
-- behind all shorter ends of it, so that a batch may end anywhere.
-- repeat
INSERT IGNORE INTO repository_word (word, repository_id)
WITH RECURSIVE ending (word, repository_id) AS (
    SELECT word, repository_id FROM (
        SELECT CONVERT(r.path USING ascii) AS word, r.id AS repository_id FROM repository r
        WHERE r.path IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM repository_word w
            WHERE w.repository_id = r.id AND w.word = CONVERT(r.path USING ascii)
        )
        LIMIT 1000
    ) AS todo
    UNION ALL
    SELECT SUBSTRING(word, REGEXP_INSTR(word, '[/._-]') + 1), repository_id
    FROM ending WHERE REGEXP_INSTR(word, '[/._-]') > 0
)
SELECT e.word, e.repository_id FROM ending e
WHERE e.word REGEXP '^[a-z0-9]' AND NOT EXISTS (
    SELECT 1 FROM repository_word w WHERE w.repository_id = e.repository_id AND w.word = e.word
)
ORDER BY LENGTH(e.word) LIMIT 1000;
