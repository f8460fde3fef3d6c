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

-- those that are there already; MySQL has no regular expressions of bytes
INSERT IGNORE INTO repository_word (word, repository_id)
WITH RECURSIVE ending (word, repository_id) AS (
    SELECT CONVERT(path USING ascii), id FROM repository
    WHERE path IS NOT NULL
    UNION ALL
    SELECT SUBSTRING(word, REGEXP_INSTR(word, '[/._-]') + 1), repository_id
    FROM ending WHERE REGEXP_INSTR(word, '[/._-]') > 0
)
SELECT word, repository_id FROM ending WHERE word REGEXP '^[a-z0-9]';
