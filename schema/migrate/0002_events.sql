-- Events, counters, last pulls; keys for what the registry lists.

-- What happened, written with the change itself; pulls come in batches, equal
-- ones of a few seconds as one row. No foreign keys: events outlive what they
-- tell of. Consumers go by state, never by "id > last".
CREATE TABLE IF NOT EXISTS event (
    id BINARY(16) NOT NULL,
    kind TINYINT NOT NULL COMMENT '1 push, 2 pull, 3 delete, 4 mount',
    object TINYINT NOT NULL COMMENT '1 manifest, 2 blob',
    state TINYINT NOT NULL DEFAULT 0 COMMENT '0 new, 1 consumed',
    repository_id BINARY(16) NOT NULL,
    repository VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'its name then',
    tag VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NULL,
    algorithm TINYINT NOT NULL COMMENT '0 sha256, 1 sha512',
    digest VARBINARY(64) NOT NULL,
    media_type VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NULL,
    size BIGINT NOT NULL,
    from_repository VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'of mounts',
    times INT NOT NULL DEFAULT 1 COMMENT 'equal pulls',
    account_id BINARY(16) NULL,
    account VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'its name then',
    remote VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin NULL,
    request_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
    user_agent VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    happened DATETIME(6) NOT NULL,
    PRIMARY KEY (id),
    KEY event_state (state, happened),
    KEY event_repository (repository_id, happened)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- sharded, so that two nodes seldom write one row: the sum is the number
CREATE TABLE IF NOT EXISTS repository_counter (
    repository_id BINARY(16) NOT NULL,
    kind TINYINT NOT NULL COMMENT '1 push, 2 pull',
    shard TINYINT UNSIGNED NOT NULL,
    total BIGINT NOT NULL,
    PRIMARY KEY (repository_id, kind, shard)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- apart from tag, whose rows pushes change
CREATE TABLE IF NOT EXISTS tag_pull (
    repository_id BINARY(16) NOT NULL,
    name VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    shard TINYINT UNSIGNED NOT NULL,
    total BIGINT NOT NULL,
    last_pulled DATETIME(6) NOT NULL,
    PRIMARY KEY (repository_id, name, shard)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

ALTER TABLE manifest ADD KEY manifest_subject_type (repository_id, subject, artifact_type, id);

ALTER TABLE tag ADD KEY tag_updated (repository_id, updated);

ALTER TABLE repository ADD KEY repository_place (namespace_id, path);

ALTER TABLE repository ADD KEY repository_visible (visibility, path);

ALTER TABLE upload ADD KEY upload_account (account_id, touched);
