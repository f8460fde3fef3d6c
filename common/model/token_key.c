#include "common/base/base.h"
#include "common/model/token_key.h"

#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/pool.h"
#include "common/conf/conf.h"
#include "common/crypt/key.h"
#include "common/crypt/seal.h"
#include "common/crypt/x509.h"
#include "common/model/model.h"
#include "common/model/q.h"

#define PURPOSE "token-key"
#define CERTIFICATE_DAYS 3650

int
token_key_cluster_key(const struct conf *conf, struct pool *pool,
    const unsigned char **key_out, struct err *err)
{
	const char *file =
	    pool_printf(pool, "%s/cluster-key", conf->secrets_dir);
	unsigned char *key = pool_secret(pool, SEAL_KEY_SIZE);
	char *text;
	int rc = io_read_secret(pool, file, &text, err);

	if (rc < 0)
		return err_prefix(err, "cluster key");
	if (strlen(text) != 2 * SEAL_KEY_SIZE ||
	    !enc_parse_hex(key, SEAL_KEY_SIZE, text))
		return err_set(err, E_INVALID,
		    "file \"%s\" does not hold %d hexadecimal digits", file,
		    2 * SEAL_KEY_SIZE);
	*key_out = key;
	return 0;
}

struct create {
	const char *kid;
	const char *certificate;
	const unsigned char *sealed;
	size_t sealed_size;
	int64_t delay_s;
	int64_t overlap_s;
};

static int
create_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct create *c = context;
	/* two at once do not see each other's key, which one of them has to
	 * retire: so both change the same row */
	int rc = tx_exec(tx, Q_SETTING_INCREMENT, NULL, err,
	    db_text("token.key_changes"));

	if (rc < 0)
		return rc;
	rc = tx_exec(tx, Q_TOKEN_KEY_INSERT, NULL, err, db_text(c->kid),
	    db_bytes(c->sealed, c->sealed_size), db_int(c->delay_s));
	if (rc == E_EXISTS && db_tx_is_rerun(tx))
		return 0;
	if (rc < 0)
		return rc;
	rc = tx_exec(tx, Q_TOKEN_CERTIFICATE_INSERT, NULL, err,
	    db_text(c->kid), db_text(c->certificate));
	if (rc < 0)
		return rc;
	return tx_exec(tx, Q_TOKEN_CERTIFICATE_RETIRE, NULL, err,
	    db_int(c->overlap_s), db_text(c->kid));
}

static int
make_key(struct pool *pool, const struct key *key,
    const unsigned char *cluster_key, struct create *c, struct err *err)
{
	const struct x509_request request = { .use = X509_SIGNING,
		.common_name = "dtr token signing", .days = CERTIFICATE_DAYS };
	const char *x, *y;
	unsigned char *der, *sealed;
	char *certificate;
	size_t der_size;
	int rc = key_jwk(key, pool, &x, &y, &c->kid, err);

	if (rc == 0)
		rc = key_put_private(key, pool, &der, &der_size, err);
	if (rc == 0)
		rc = seal(pool, cluster_key, PURPOSE, c->kid, der, der_size,
		    &sealed, &c->sealed_size, err);
	if (rc == 0)
		rc = x509_make(pool, &request, key, NULL, NULL, &certificate,
		    err);
	if (rc < 0)
		return rc;
	c->sealed = sealed;
	c->certificate = certificate;
	return 0;
}

int
token_key_create(struct db *db, struct pool *pool,
    const unsigned char *cluster_key, int64_t delay_s, int64_t overlap_s,
    const char **kid_out, struct err *err)
{
	struct create c = { .delay_s = delay_s, .overlap_s = overlap_s };
	struct key *key = NULL;
	int rc = key_new(&key, err);

	if (rc == 0)
		rc = make_key(pool, key, cluster_key, &c, err);
	if (rc == 0)
		rc = db_txn(db, create_tx, &c, err);
	if (rc == 0)
		*kid_out = c.kid;
	key_free(&key);
	return rc;
}

int
token_key_signing(struct db *db, struct pool *pool,
    const unsigned char *cluster_key, struct token_key *out,
    struct key **key_out, struct err *err)
{
	const struct db_cell *sealed;
	unsigned char *der;
	size_t der_size;
	struct db_rows rows;
	int rc = db_select(db, pool, Q_TOKEN_KEY_SIGNING, &rows, err);

	if (rc < 0)
		return rc;
	if (rows.count == 0)
		return err_set(err, E_NOTFOUND,
		    "there is no key to sign tokens; run: dtr key rotate");
	out->kid = db_cell(&rows, 0, 0)->p;
	out->certificate = db_cell(&rows, 0, 2)->p;
	sealed = db_cell(&rows, 0, 1);
	rc = seal_open(pool, cluster_key, PURPOSE, out->kid, sealed->p,
	    sealed->n, &der, &der_size, err);
	if (rc < 0)
		return err_prefix(err, "token key %s", out->kid);
	return key_parse_private(key_out, der, der_size, err);
}

int
token_key_opens(struct db *db, struct pool *pool,
    const unsigned char *cluster_key, struct err *err)
{
	struct token_key signing;
	struct key *key = NULL;
	int rc = token_key_signing(db, pool, cluster_key, &signing, &key, err);

	key_free(&key);
	if (rc < 0 && rc != E_INVALID && rc != E_NOTFOUND)
		return rc;
	err_clear(err);
	return rc != E_INVALID;
}

int
token_key_list(struct db *db, struct pool *pool, struct token_key **out,
    size_t *count_out, struct err *err)
{
	struct db_rows rows;
	int rc = db_select(db, pool, Q_TOKEN_CERTIFICATES, &rows, err);

	if (rc < 0)
		return rc;
	*out = pool_array(pool, rows.count, sizeof(**out));
	*count_out = rows.count;
	for (size_t i = 0; i < rows.count; i++) {
		(*out)[i].kid = db_cell(&rows, i, 0)->p;
		(*out)[i].certificate = db_cell(&rows, i, 1)->p;
	}
	return 0;
}

int
token_key_states(struct db *db, struct pool *pool,
    struct token_key_state **out, size_t *count_out, struct err *err)
{
	struct db_rows rows;
	bool signs_seen = false;
	int rc = db_select(db, pool, Q_TOKEN_KEY_STATES, &rows, err);

	if (rc < 0)
		return rc;
	*out = pool_array(pool, rows.count, sizeof(**out));
	*count_out = rows.count;
	for (size_t i = 0; i < rows.count; i++) {
		const struct db_cell *end = db_cell(&rows, i, 2);
		const struct db_cell *next = db_cell(&rows, i, 3);
		struct token_key_state *k = &(*out)[i];

		k->kid = db_cell(&rows, i, 0)->p;
		k->age_s = db_cell(&rows, i, 1)->i;
		k->ends_in_s = end->p == NULL ? -1 : end->i;
		k->is_next = next->p != NULL && next->i == 1;
		/* the newest whose time has come, as token_key_signing() */
		k->signs = next->p != NULL && next->i == 0 && !signs_seen;
		signs_seen = signs_seen || k->signs;
	}
	return 0;
}

static int
purge_tx(struct db_tx *tx, void *context UNUSED, struct err *err)
{
	int rc = tx_exec(tx, Q_TOKEN_KEY_PURGE, NULL, err);

	if (rc < 0)
		return rc;
	return tx_exec(tx, Q_TOKEN_CERTIFICATE_PURGE, NULL, err);
}

int
token_key_purge(struct db *db, struct err *err)
{
	return db_txn(db, purge_tx, NULL, err);
}
