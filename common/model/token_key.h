/*
 * Keys that sign registry tokens. The private part is sealed with the
 * cluster key and read by garant alone; the certificate is read by all who
 * verify. A rotation adds a key that is published at once and signs a little
 * later; the older ones verify until the last of their tokens has expired.
 */
#ifndef COMMON_MODEL_TOKEN_KEY_H
#define COMMON_MODEL_TOKEN_KEY_H

struct conf;
struct db;
struct err;
struct key;
struct pool;

#define TOKEN_KEY_KID_MAX 64
#define TOKEN_KEYS_MAX 32

struct token_key {
	const char *kid;	 /* RFC 7638 thumbprint */
	const char *certificate; /* PEM */
};

/* Reads the cluster key: 64 hex digits in secrets_dir/cluster-key. */
int token_key_cluster_key(const struct conf *conf, struct pool *pool,
    const unsigned char **key_out, struct err *err);

/*
 * Makes a key that signs delay_s seconds from now; older keys verify for
 * overlap_s seconds from now. The first key of all: 0, 0.
 */
int token_key_create(struct db *db, struct pool *pool,
    const unsigned char *cluster_key, int64_t delay_s, int64_t overlap_s,
    const char **kid_out, struct err *err);

/* The key that signs now; *key_out is to be freed. E_NOTFOUND: none yet. */
int token_key_signing(struct db *db, struct pool *pool,
    const unsigned char *cluster_key, struct token_key *out,
    struct key **key_out, struct err *err);

/*
 * Does this cluster key open the key that signs now? 1, also while there is
 * none; 0 if that was sealed with another one.
 */
int token_key_opens(struct db *db, struct pool *pool,
    const unsigned char *cluster_key, struct err *err);

/* All keys that verify now, newest first. */
int token_key_list(struct db *db, struct pool *pool, struct token_key **out,
    size_t *count_out, struct err *err);

/* For people: what each key does now. */
struct token_key_state {
	const char *kid;
	bool signs;
	bool is_next;	   /* published, will sign soon */
	int64_t age_s;
	int64_t ends_in_s; /* verifies no longer then; -1: no end yet */
};
int token_key_states(struct db *db, struct pool *pool,
    struct token_key_state **out, size_t *count_out, struct err *err);

/* Removes keys that verify nothing any more. */
int token_key_purge(struct db *db, struct err *err);

#endif
