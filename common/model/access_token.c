#include "common/base/base.h"
#include "common/model/access_token.h"

#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/model/model.h"
#include "common/model/q.h"

#define SECRET_BYTES 32

struct create {
	struct rand_id id;
	const struct rand_id *account_id;
	enum access_token_kind kind;
	const char *label;
	const char *service;
	const struct access_token_basis *basis; /* NULL: access tokens */
	unsigned char digest[DIGEST_SHA256_SIZE];
};

static int
create_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct create *c = context;
	int rc = tx_exec(tx, Q_ACCESS_TOKEN_INSERT, NULL, err, db_id(&c->id),
	    db_id(c->account_id), db_int(c->kind), db_text(c->label),
	    db_text(c->service), db_bytes(c->digest, sizeof(c->digest)),
	    c->basis != NULL
		? db_bytes(c->basis->digest, sizeof(c->basis->digest))
		: db_null());

	if (rc == E_EXISTS && db_tx_is_rerun(tx))
		return 0;
	if (rc < 0 || c->kind != ACCESS_TOKEN_REFRESH)
		return rc;
	/* every `docker login` makes one: those of old logins go */
	return tx_exec(tx, Q_ACCESS_TOKEN_PURGE_REFRESH, NULL, err,
	    db_id(c->account_id));
}

static int
create(struct db *db, struct pool *pool, struct create *c, const char *prefix,
    const char **secret_out, struct err *err)
{
	unsigned char *bytes = pool_secret(pool, SECRET_BYTES);
	char *secret = pool_secret(pool, 64);

	rand_bytes(bytes, SECRET_BYTES);
	snprintf(secret, 64, "%s%s", prefix,
	    enc_base64url(pool, bytes, SECRET_BYTES));
	digest_of(DIGEST_SHA256, secret, strlen(secret), c->digest);
	c->id = rand_id_new();
	*secret_out = secret;
	return db_txn(db, create_tx, c, err);
}

int
access_token_create(struct db *db, struct pool *pool,
    const struct rand_id *account_id, const char *label,
    const char **secret_out, struct err *err)
{
	struct create c = { .account_id = account_id,
		.kind = ACCESS_TOKEN_MANUAL,
		.label = label,
		.service = "" };

	return create(
	    db, pool, &c, ACCESS_TOKEN_PREFIX_MANUAL, secret_out, err);
}

struct access_token_basis
access_token_basis_of(const char *text)
{
	struct access_token_basis basis;

	digest_of(DIGEST_SHA256, text, strlen(text), basis.digest);
	return basis;
}

int
access_token_create_refresh(struct db *db, struct pool *pool,
    const struct rand_id *account_id, const char *service,
    const struct access_token_basis *basis, const char **secret_out,
    struct err *err)
{
	struct create c = { .account_id = account_id,
		.kind = ACCESS_TOKEN_REFRESH,
		.label = "docker login",
		.service = service,
		.basis = basis };

	return create(
	    db, pool, &c, ACCESS_TOKEN_PREFIX_REFRESH, secret_out, err);
}

bool
access_token_is_secret(const char *text)
{
	return strlen(text) == strlen(ACCESS_TOKEN_PREFIX_MANUAL) + 43 &&
	    (strncmp(text, ACCESS_TOKEN_PREFIX_MANUAL,
		 strlen(ACCESS_TOKEN_PREFIX_MANUAL)) == 0 ||
		strncmp(text, ACCESS_TOKEN_PREFIX_REFRESH,
		    strlen(ACCESS_TOKEN_PREFIX_REFRESH)) == 0);
}

static int
used_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct rand_id *id = context;

	return tx_exec(tx, Q_ACCESS_TOKEN_USED, NULL, err, db_id(id));
}

int
access_token_check(struct db *db, struct pool *pool, const char *secret,
    enum access_token_kind kind, const char *service, struct account *out,
    struct err *err)
{
	unsigned char digest[DIGEST_SHA256_SIZE];
	struct rand_id id;
	struct db_rows rows;
	int rc;

	digest_of(DIGEST_SHA256, secret, strlen(secret), digest);
	rc = db_select(db, pool, Q_ACCESS_TOKEN_BY_SECRET, &rows, err,
	    db_bytes(digest, sizeof(digest)));
	if (rc < 0)
		return rc;
	if (rows.count == 0 || db_cell(&rows, 0, 7)->i != (int64_t)kind ||
	    db_cell(&rows, 0, 5)->i != 1 ||
	    (kind == ACCESS_TOKEN_REFRESH &&
		strcmp(db_cell(&rows, 0, 8)->p, service) != 0))
		return err_set(err, E_UNAUTH, "the token is not valid (any more); log in again");
	account_from_row(out, &rows, 0);
	if (db_cell(&rows, 0, 10)->i == 0)
		return 0;
	id = db_cell_id(&rows, 0, 9);
	return db_txn(db, used_tx, &id, err);
}
