-- Accounts, tokens, repositories, blobs, manifests, tags, settings.
--
-- Rules (ARCHITECTURE.md, "Database"): a primary key on every table; ids are
-- made by the programs; names are VARBINARY, which compares byte by byte (the
-- _bin collations take trailing blanks as nothing); what garbage collection
-- may delete is guarded by real foreign keys, and rows that others refer to
-- stay cold. Times are UTC by the database's clock.

-- users and organisations share one space of names: the namespaces
CREATE TABLE IF NOT EXISTS account (
    id BINARY(16) NOT NULL,
    name VARBINARY(64) NOT NULL,
    kind TINYINT NOT NULL COMMENT '1 user, 2 organisation',
    full_name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
    is_admin TINYINT NOT NULL DEFAULT 0,
    is_active TINYINT NOT NULL DEFAULT 1,
    created DATETIME(6) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY account_name (name),
    KEY account_admin (is_admin, is_active, kind)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS account_password (
    account_id BINARY(16) NOT NULL,
    hash VARCHAR(384) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    changed DATETIME(6) NOT NULL,
    PRIMARY KEY (account_id),
    CONSTRAINT account_password_account FOREIGN KEY (account_id) REFERENCES account (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS org_member (
    org_id BINARY(16) NOT NULL,
    member_id BINARY(16) NOT NULL,
    is_admin TINYINT NOT NULL DEFAULT 0,
    PRIMARY KEY (org_id, member_id),
    KEY org_member_member (member_id),
    CONSTRAINT org_member_org FOREIGN KEY (org_id) REFERENCES account (id),
    CONSTRAINT org_member_account FOREIGN KEY (member_id) REFERENCES account (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS team (
    id BINARY(16) NOT NULL,
    org_id BINARY(16) NOT NULL,
    name VARBINARY(64) NOT NULL,
    description VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
    created DATETIME(6) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY team_name (org_id, name),
    CONSTRAINT team_org FOREIGN KEY (org_id) REFERENCES account (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS team_member (
    team_id BINARY(16) NOT NULL,
    member_id BINARY(16) NOT NULL,
    is_admin TINYINT NOT NULL DEFAULT 0,
    PRIMARY KEY (team_id, member_id),
    KEY team_member_member (member_id),
    CONSTRAINT team_member_team FOREIGN KEY (team_id) REFERENCES team (id),
    CONSTRAINT team_member_account FOREIGN KEY (member_id) REFERENCES account (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- secrets that stand for a password; only their digest is kept
CREATE TABLE IF NOT EXISTS access_token (
    id BINARY(16) NOT NULL,
    account_id BINARY(16) NOT NULL,
    kind TINYINT NOT NULL COMMENT '1 access token, 2 refresh token',
    label VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
    service VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '' COMMENT 'of refresh tokens',
    secret_digest BINARY(32) NOT NULL,
    basis BINARY(32) NULL COMMENT 'of refresh tokens: digest of the password hash or the secret that they came by',
    is_active TINYINT NOT NULL DEFAULT 1,
    created DATETIME(6) NOT NULL,
    last_used DATETIME(6) NULL,
    PRIMARY KEY (id),
    UNIQUE KEY access_token_secret (secret_digest),
    KEY access_token_account (account_id, created),
    CONSTRAINT access_token_owner FOREIGN KEY (account_id) REFERENCES account (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- failed logins by (account name, address); subject is a digest of both
CREATE TABLE IF NOT EXISTS login_delay (
    subject BINARY(32) NOT NULL,
    failures INT NOT NULL,
    blocked_until DATETIME(6) NOT NULL,
    touched DATETIME(6) NOT NULL,
    PRIMARY KEY (subject),
    KEY login_delay_touched (touched)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- who may sign registry tokens: private keys, sealed with the cluster key
CREATE TABLE IF NOT EXISTS token_key (
    kid VARBINARY(64) NOT NULL,
    sealed VARBINARY(1024) NOT NULL,
    created DATETIME(6) NOT NULL,
    sign_from DATETIME(6) NOT NULL,
    PRIMARY KEY (kid)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- and what verifies them: no foreign key to the secret, by intent
CREATE TABLE IF NOT EXISTS token_certificate (
    kid VARBINARY(64) NOT NULL,
    certificate TEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created DATETIME(6) NOT NULL,
    verify_until DATETIME(6) NULL COMMENT 'set when a newer key took over',
    PRIMARY KEY (kid)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- what all replicas share; a row is missing while it has its default
CREATE TABLE IF NOT EXISTS setting (
    name VARBINARY(64) NOT NULL,
    value TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    version BIGINT NOT NULL,
    changed DATETIME(6) NOT NULL,
    PRIMARY KEY (name)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- path is NULL while the repository is being deleted: its name is free
CREATE TABLE IF NOT EXISTS repository (
    id BINARY(16) NOT NULL,
    namespace_id BINARY(16) NOT NULL,
    path VARBINARY(200) NULL,
    visibility TINYINT NOT NULL DEFAULT 0 COMMENT '0 private, 1 public',
    state TINYINT NOT NULL DEFAULT 1 COMMENT '1 active, 2 deleting',
    immutable_tags TINYINT NOT NULL DEFAULT 0,
    tag_limit INT NOT NULL DEFAULT 0 COMMENT '0: none',
    short_description VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
    created DATETIME(6) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY repository_path (path),
    KEY repository_namespace (namespace_id),
    CONSTRAINT repository_account FOREIGN KEY (namespace_id) REFERENCES account (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS repo_grant (
    team_id BINARY(16) NOT NULL,
    repository_id BINARY(16) NOT NULL,
    level TINYINT NOT NULL COMMENT '1 read-only, 2 read-write, 3 admin',
    PRIMARY KEY (team_id, repository_id),
    KEY repo_grant_repository (repository_id),
    CONSTRAINT repo_grant_team FOREIGN KEY (team_id) REFERENCES team (id),
    CONSTRAINT repo_grant_repo FOREIGN KEY (repository_id) REFERENCES repository (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS namespace_grant (
    team_id BINARY(16) NOT NULL,
    namespace_id BINARY(16) NOT NULL,
    level TINYINT NOT NULL COMMENT '1 read-only, 2 read-write, 3 admin',
    PRIMARY KEY (team_id, namespace_id),
    KEY namespace_grant_namespace (namespace_id),
    CONSTRAINT namespace_grant_team FOREIGN KEY (team_id) REFERENCES team (id),
    CONSTRAINT namespace_grant_account FOREIGN KEY (namespace_id) REFERENCES account (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- one row for each key in the store, made before its first byte
CREATE TABLE IF NOT EXISTS object (
    id BINARY(16) NOT NULL,
    store VARBINARY(16) NOT NULL,
    object_key VARBINARY(255) NOT NULL,
    state TINYINT NOT NULL COMMENT '1 up, 2 live, 3 doomed',
    blob_id BINARY(16) NULL,
    not_before DATETIME(6) NULL COMMENT 'of doomed objects: earliest removal',
    tries INT NOT NULL DEFAULT 0,
    sidecar TINYINT NOT NULL DEFAULT 0,
    created DATETIME(6) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY object_place (store, object_key),
    KEY object_state (state, not_before)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS upload (
    id BINARY(16) NOT NULL,
    repository_id BINARY(16) NOT NULL,
    object_id BINARY(16) NOT NULL,
    account_id BINARY(16) NULL COMMENT 'who started it',
    epoch INT NOT NULL DEFAULT 0,
    received BIGINT NOT NULL DEFAULT 0 COMMENT 'durable bytes',
    hash_state VARBINARY(160) NULL,
    lease_until DATETIME(6) NOT NULL,
    started DATETIME(6) NOT NULL,
    touched DATETIME(6) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY upload_object (object_id),
    KEY upload_repository (repository_id),
    KEY upload_touched (touched),
    CONSTRAINT upload_repo FOREIGN KEY (repository_id) REFERENCES repository (id),
    CONSTRAINT upload_place FOREIGN KEY (object_id) REFERENCES object (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS blob_content (
    id BINARY(16) NOT NULL,
    sha256 BINARY(32) NOT NULL,
    sha512 BINARY(64) NULL,
    size BIGINT NOT NULL,
    object_id BINARY(16) NOT NULL,
    damaged TINYINT NOT NULL DEFAULT 0,
    created DATETIME(6) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY blob_sha256 (sha256),
    UNIQUE KEY blob_sha512 (sha512),
    UNIQUE KEY blob_object (object_id),
    CONSTRAINT blob_place FOREIGN KEY (object_id) REFERENCES object (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS repo_blob (
    repository_id BINARY(16) NOT NULL,
    blob_id BINARY(16) NOT NULL,
    touched DATETIME(6) NOT NULL,
    hidden TINYINT NOT NULL DEFAULT 0,
    PRIMARY KEY (repository_id, blob_id),
    KEY repo_blob_blob (blob_id),
    CONSTRAINT repo_blob_repo FOREIGN KEY (repository_id) REFERENCES repository (id),
    CONSTRAINT repo_blob_content FOREIGN KEY (blob_id) REFERENCES blob_content (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS manifest (
    id BINARY(16) NOT NULL,
    repository_id BINARY(16) NOT NULL,
    algorithm TINYINT NOT NULL COMMENT '0 sha256, 1 sha512',
    digest VARBINARY(64) NOT NULL,
    media_type VARBINARY(255) NOT NULL,
    artifact_type VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    subject_algorithm TINYINT NULL,
    subject VARBINARY(64) NULL,
    annotations MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL COMMENT 'of manifests with a subject',
    size INT NOT NULL COMMENT 'of the document',
    image_size BIGINT NOT NULL COMMENT 'of config and layers',
    pushed_by BINARY(16) NULL,
    created DATETIME(6) NOT NULL,
    touched DATETIME(6) NOT NULL,
    hidden TINYINT NOT NULL DEFAULT 0,
    PRIMARY KEY (id),
    UNIQUE KEY manifest_digest (repository_id, digest),
    KEY manifest_subject (repository_id, subject, id),
    CONSTRAINT manifest_repo FOREIGN KEY (repository_id) REFERENCES repository (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS manifest_payload (
    manifest_id BINARY(16) NOT NULL,
    payload MEDIUMBLOB NOT NULL,
    PRIMARY KEY (manifest_id),
    CONSTRAINT manifest_payload_manifest FOREIGN KEY (manifest_id) REFERENCES manifest (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS manifest_blob (
    manifest_id BINARY(16) NOT NULL,
    blob_id BINARY(16) NOT NULL,
    repository_id BINARY(16) NOT NULL,
    PRIMARY KEY (manifest_id, blob_id),
    KEY manifest_blob_link (repository_id, blob_id),
    CONSTRAINT manifest_blob_manifest FOREIGN KEY (manifest_id) REFERENCES manifest (id),
    CONSTRAINT manifest_blob_repo_blob FOREIGN KEY (repository_id, blob_id) REFERENCES repo_blob (repository_id, blob_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS manifest_child (
    parent_id BINARY(16) NOT NULL,
    child_id BINARY(16) NOT NULL,
    PRIMARY KEY (parent_id, child_id),
    KEY manifest_child_child (child_id),
    CONSTRAINT manifest_child_parent FOREIGN KEY (parent_id) REFERENCES manifest (id),
    CONSTRAINT manifest_child_manifest FOREIGN KEY (child_id) REFERENCES manifest (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS tag (
    repository_id BINARY(16) NOT NULL,
    name VARBINARY(128) NOT NULL,
    manifest_id BINARY(16) NOT NULL,
    pushed_by BINARY(16) NULL,
    created DATETIME(6) NOT NULL,
    updated DATETIME(6) NOT NULL,
    PRIMARY KEY (repository_id, name),
    KEY tag_manifest (manifest_id),
    CONSTRAINT tag_repo FOREIGN KEY (repository_id) REFERENCES repository (id),
    CONSTRAINT tag_target FOREIGN KEY (manifest_id) REFERENCES manifest (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- where a tag pointed before it moved or went; keeps that manifest a while
CREATE TABLE IF NOT EXISTS tag_history (
    id BINARY(16) NOT NULL,
    repository_id BINARY(16) NOT NULL,
    name VARBINARY(128) NOT NULL,
    manifest_id BINARY(16) NOT NULL,
    action TINYINT NOT NULL COMMENT '1 moved, 2 deleted',
    account_id BINARY(16) NULL,
    happened DATETIME(6) NOT NULL,
    expires DATETIME(6) NOT NULL,
    PRIMARY KEY (id),
    KEY tag_history_name (repository_id, name, happened),
    KEY tag_history_manifest (manifest_id),
    KEY tag_history_expires (expires),
    CONSTRAINT tag_history_repo FOREIGN KEY (repository_id) REFERENCES repository (id),
    CONSTRAINT tag_history_target FOREIGN KEY (manifest_id) REFERENCES manifest (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- what garbage collection looks at next; no safety rests on it
CREATE TABLE IF NOT EXISTS gc_review (
    kind TINYINT NOT NULL COMMENT '1 manifest, 2 repository blob, 3 blob',
    id1 BINARY(16) NOT NULL,
    id2 BINARY(16) NOT NULL,
    review_after DATETIME(6) NOT NULL,
    PRIMARY KEY (kind, id1, id2),
    KEY gc_review_after (review_after)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
