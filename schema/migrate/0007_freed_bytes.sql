-- What garbage collection removed from the store, in bytes; sharded, so that
-- two nodes seldom write one row: the sum is the number.

CREATE TABLE IF NOT EXISTS gc_freed (
    shard SMALLINT UNSIGNED NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (shard)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
