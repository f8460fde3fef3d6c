/* Transactions that are run again when the database says so. */
#include "common/base/base.h"
#include "common/db/db_private.h"

#include "common/base/err.h"
#include "common/base/rand.h"
#include "common/base/time.h"

#define TRIES_MAX 8
#define PAUSE_STEP_US 5000U
#define SELECT_TRIES 3

static void
pause_before(int attempt)
{
	uint32_t most = PAUSE_STEP_US * (1U << (attempt < 4 ? attempt : 4));

	time_sleep_us(1000 + rand_below(most));
}

static bool
command(struct db_tx *tx, const char *text)
{
	if (mysql_query(tx->conn->mysql, text) == 0)
		return true;
	tx->failure = mysql_errno(tx->conn->mysql);
	tx->lost = tx->lost || number_is_lost(tx->failure);
	return false;
}

enum outcome {
	DONE,	   /* committed, or fn's own refusal: see rc */
	TRY_AGAIN, /* nothing was committed */
	UNKNOWN,   /* the COMMIT may or may not have happened */
};

/* after one error the server has rolled back: what is sent behind it would
 * run and be committed in a transaction of its own, so nothing is */
static enum outcome
abandon(struct db_tx *tx, int rc)
{
	bool failed = tx->dead;

	if (!tx->lost && mysql_query(tx->conn->mysql, "ROLLBACK") != 0)
		tx->lost = true;
	return failed && number_is_retry(tx->failure) && rc < 0 ? TRY_AGAIN
								: DONE;
}

static enum outcome
commit(struct db_tx *tx, int *rc, struct err *err)
{
	if (command(tx, "COMMIT"))
		return DONE;
	*rc = number_to_err(
	    tx->failure, mysql_error(tx->conn->mysql), err);
	if (tx->lost)
		return UNKNOWN;
	tx->dead = true;
	return abandon(tx, *rc);
}

static enum outcome
run_once(struct db *db, db_tx_fn *fn, void *context, bool rerun, int *rc,
    struct err *err)
{
	struct db_tx tx = { .rerun = rerun };
	enum outcome outcome;

	*rc = conn_take(db, &tx.conn, err);
	if (*rc < 0)
		return *rc == E_BUSY ? TRY_AGAIN : DONE;
	if (!command(&tx, "START TRANSACTION")) {
		*rc = number_to_err(
		    tx.failure, mysql_error(tx.conn->mysql), err);
		conn_give(tx.conn, true);
		return TRY_AGAIN;
	}
	*rc = fn(&tx, context, err);
	ASSERT(*rc < 0 || !tx.dead);
	outcome = *rc < 0 ? abandon(&tx, *rc) : commit(&tx, rc, err);
	conn_give(tx.conn, tx.lost);
	return outcome;
}

int
db_txn(struct db *db, db_tx_fn *fn, void *context, struct err *err)
{
	bool unknown = false;
	int rc = 0;

	for (int i = 0; i < TRIES_MAX; i++) {
		switch (run_once(db, fn, context, unknown, &rc, err)) {
		case DONE:
			return rc;
		case TRY_AGAIN:
			break;
		case UNKNOWN:
			unknown = true;
			break;
		}
		pause_before(i);
	}
	if (unknown) {
		char cause[sizeof(err->cause)];

		memcpy(cause, err->cause, sizeof(cause));
		err_set(err, E_UNCERTAIN,
		    "it is not known whether the change was made; look, and "
		    "try again");
		return err_cause(err, "%s", cause);
	}
	return rc;
}

bool
db_tx_is_rerun(const struct db_tx *tx)
{
	return tx->rerun;
}

static int
dead(struct err *err)
{
	return err_set(err, E_BUSY, "the transaction has failed before");
}

static int
run(struct db_tx *tx, struct pool *pool, unsigned stmt,
    const struct db_value *args, size_t arg_count, struct db_rows *rows_out,
    uint64_t *affected_out, struct err *err)
{
	int rc;

	if (tx->dead)
		return dead(err);
	rc = stmt_run(tx->conn, pool, stmt, args, arg_count, rows_out,
	    affected_out, &tx->failure, err);
	if (rc < 0) {
		tx->dead = true;
		tx->lost = number_is_lost(tx->failure);
	}
	return rc;
}

int
tx_select_(struct db_tx *tx, struct pool *pool, unsigned stmt,
    struct db_rows *rows_out, struct err *err, const struct db_value *args,
    size_t arg_count)
{
	return run(tx, pool, stmt, args, arg_count, rows_out, NULL, err);
}

int
tx_exec_(struct db_tx *tx, unsigned stmt, uint64_t *affected_out,
    struct err *err, const struct db_value *args, size_t arg_count)
{
	return run(tx, NULL, stmt, args, arg_count, NULL, affected_out, err);
}

int
db_select_(struct db *db, struct pool *pool, unsigned stmt,
    struct db_rows *rows_out, struct err *err, const struct db_value *args,
    size_t arg_count)
{
	int rc = 0;

	for (int i = 0; i < SELECT_TRIES; i++) {
		struct conn *conn;
		unsigned number;

		rc = conn_take(db, &conn, err);
		if (rc < 0)
			return rc;
		rc = stmt_run(conn, pool, stmt, args, arg_count, rows_out,
		    NULL, &number, err);
		conn_give(conn, rc < 0 && number_is_lost(number));
		if (rc == 0 || !number_is_retry(number))
			return rc;
		pause_before(i);
	}
	return rc;
}
