/* Users and organisations: the namespaces of repositories. */
#ifndef COMMON_MODEL_ACCOUNT_H
#define COMMON_MODEL_ACCOUNT_H

#include "common/base/rand.h"

struct db;
struct db_rows;
struct err;
struct pool;

#define ACCOUNT_NAME_MAX 64

enum account_kind {
	ACCOUNT_USER = 1,
	ACCOUNT_ORG = 2,
};

struct account {
	struct rand_id id;
	const char *name;
	enum account_kind kind;
	const char *full_name;
	bool is_admin;
	bool is_active;
	const char *password_hash; /* NULL: no password, or not asked for */
};

/* E_INVALID with a text that says what a name may look like. */
int account_check_name(const char *name, struct err *err);

/* E_NOTFOUND if there is none. Texts belong to the pool. */
int account_find(struct db *db, struct pool *pool, const char *name,
    struct account *out, struct err *err);

/*
 * Makes an account with this password hash (NULL: an organisation, or a user
 * who cannot log in yet). account->id is made before. E_EXISTS if the name
 * is taken.
 */
int account_create(struct db *db, const struct account *account,
    const char *password_hash, struct err *err);

/* Also ends the logins that go on by refresh tokens, and registry tokens. */
int account_set_password(struct db *db, const struct rand_id *id,
    const char *password_hash, struct err *err);

struct account_flags {
	bool is_admin;
	bool is_active;
};

struct account_change {
	const bool *is_admin; /* NULL: as it is */
	const bool *is_active;
	/* out */
	struct account_flags before;
	struct account_flags after;
};

/* Were rights taken? */
bool account_has_less(
    const struct account_flags *before, const struct account_flags *after);

/*
 * Changes flags of an account; others may change the rest at the same time.
 * When rights are taken, registry tokens made until now are refused.
 * E_CONFLICT when no system administrator who can log in would be left.
 */
int account_set_flags(struct db *db, const struct rand_id *id,
    struct account_change *change, struct err *err);

/* The number of system administrators who can log in: active, with a
 * password. */
int account_count_admins(
    struct db *db, struct pool *pool, int64_t *count_out, struct err *err);

/* Up to limit accounts with names behind after, in order. */
int account_list(struct db *db, struct pool *pool, const char *after,
    size_t limit, struct account **out, size_t *count_out, struct err *err);

/* Reads the columns id to hash of account queries from row. */
void account_from_row(
    struct account *out, const struct db_rows *rows, size_t row);

#endif
