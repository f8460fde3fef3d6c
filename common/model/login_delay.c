#include "common/base/base.h"
#include "common/model/login_delay.h"

#include "common/base/address.h"
#include "common/base/err.h"
#include "common/crypt/digest.h"
#include "common/model/model.h"
#include "common/model/q.h"

#define PURGE_MAX 1000 /* as in the statement */

struct subject {
	unsigned char bytes[DIGEST_SHA256_SIZE];
};

/* a digest, since names that were tried may be long and of any bytes */
static struct subject
subject_of(const char *name, const char *address)
{
	struct subject subject;
	struct digest *digest = digest_new(DIGEST_SHA256);
	char home[ADDRESS_SIZE];

	address_home(home, address);
	digest_add(digest, name, strlen(name) + 1);
	digest_add(digest, home, strlen(home));
	digest_get(digest, subject.bytes);
	digest_free(&digest);
	return subject;
}

int
login_delay_get(struct db *db, struct pool *pool, const char *name,
    const char *address, int64_t *wait_us_out, struct err *err)
{
	struct subject subject = subject_of(name, address);
	struct db_rows rows;
	int rc = db_select(db, pool, Q_LOGIN_DELAY_GET, &rows, err,
	    db_bytes(subject.bytes, sizeof(subject.bytes)));

	if (rc < 0)
		return rc;
	*wait_us_out = rows.count > 0 ? db_cell(&rows, 0, 0)->i : 0;
	return 0;
}

static int
fail_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct subject *subject = context;

	return tx_exec(tx, Q_LOGIN_DELAY_FAIL, NULL, err,
	    db_bytes(subject->bytes, sizeof(subject->bytes)));
}

int
login_delay_fail(
    struct db *db, const char *name, const char *address, struct err *err)
{
	struct subject subject = subject_of(name, address);

	return db_txn(db, fail_tx, &subject, err);
}

static int
clear_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct subject *subject = context;

	return tx_exec(tx, Q_LOGIN_DELAY_CLEAR, NULL, err,
	    db_bytes(subject->bytes, sizeof(subject->bytes)));
}

int
login_delay_clear(
    struct db *db, const char *name, const char *address, struct err *err)
{
	struct subject subject = subject_of(name, address);

	return db_txn(db, clear_tx, &subject, err);
}

static int
purge_tx(struct db_tx *tx, void *context, struct err *err)
{
	return tx_exec(tx, Q_LOGIN_DELAY_PURGE, context, err);
}

int
login_delay_purge(struct db *db, bool *more_out, struct err *err)
{
	uint64_t removed = 0;
	int rc = db_txn(db, purge_tx, &removed, err);

	*more_out = rc == 0 && removed == PURGE_MAX;
	return rc;
}
