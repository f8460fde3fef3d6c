/* Reads, and transactions that are run again when the database says so. */
#include "common/base/base.h"
#include "common/db/db_private.h"

#include "common/base/err.h"
#include "common/base/rand.h"
#include "common/base/time.h"

#define TXN_TRIES    8
#define TXN_TIME_US  (10 * TIME_SECOND)
#define SELECT_TRIES 3
/* a server that took longer than this for an answer is not asked again */
#define SELECT_TIME_US (5 * TIME_SECOND)
#define PAUSE_US       5000U /* at least */
#define PAUSE_LAST_US  50000U /* at most, after some tries */

#define DEADLOCK 1213

struct db_tx {
	struct conn *conn;
	bool is_rerun; /* an earlier run may have been committed */
	int failure; /* code of the error that ended it, else 0 */
};

static void
pause_before_try(unsigned tries)
{
	uint32_t more = PAUSE_US << (tries < 4 ? tries : 4);

	if (more > PAUSE_LAST_US - PAUSE_US)
		more = PAUSE_LAST_US - PAUSE_US;
	time_sleep_us(PAUSE_US + rand_below(more));
}

int
db_select_(struct db *db, struct pool *pool, unsigned stmt,
    struct db_rows *rows_out, struct err *err, const struct db_value *args,
    size_t arg_count)
{
	int64_t until = time_monotonic_us() + SELECT_TIME_US;

	for (unsigned tries = 1;; tries++) {
		struct conn *conn;
		enum fault fault;
		int rc = conn_take(db, &conn, err);

		if (rc < 0)
			return rc;
		rc = stmt_run(
		    conn, pool, stmt, args, arg_count, rows_out, NULL, err);
		if (rc < 0)
			conn_judge_read(conn);
		fault = conn->fault;
		conn_give(conn);
		if (rc == 0 || !fault_is_again(fault) || tries == SELECT_TRIES)
			return rc;
		/* one that is not ready is left alone: another one is next */
		if (fault != FAULT_NOT_READY && time_monotonic_us() > until)
			return rc;
		if (fault == FAULT_AGAIN || fault == FAULT_WAITED)
			pause_before_try(tries - 1);
	}
}

enum outcome {
	DONE, /* committed, or refused for good: see rc */
	TRY_AGAIN, /* nothing was committed */
	NOT_BEGUN, /* no server, while an earlier COMMIT is unknown */
	UNKNOWN, /* the COMMIT may or may not have happened */
};

/* Its errors mean nothing: what was begun is gone either way. */
static void
roll_back(struct conn *conn)
{
	static const char text[] = "ROLLBACK";

	if (conn->is_broken ||
	    mysql_real_query(conn->mysql, text, strlen(text)) == 0)
		return;
	/* a victim of certification may hear of it only now */
	if (mysql_errno(conn->mysql) != DEADLOCK ||
	    mysql_real_query(conn->mysql, text, strlen(text)) != 0)
		conn->is_broken = true;
}

/*
 * After one error the server may have rolled back already; what is sent
 * behind it would be committed in a transaction of its own.
 */
static enum outcome
give_up(struct db_tx *tx, int *rc, struct err *err)
{
	enum fault fault = tx->conn->fault;

	roll_back(tx->conn);
	if (tx->failure == 0)
		return DONE;
	if (fault_is_again(fault)) {
		/* whatever fn made of it */
		err->code = E_BUSY;
		*rc = E_BUSY;
		return TRY_AGAIN;
	}
	if (*rc < 0)
		return DONE;
	/* fn found what its earlier run had committed */
	if (tx->is_rerun &&
	    (fault == FAULT_EXISTS || fault == FAULT_REFERENCE)) {
		err_clear(err);
		return DONE;
	}
	err_set(err, E_INTERNAL, "the database refused a statement");
	*rc = err_cause(err, "an error of a statement was ignored");
	return DONE;
}

static enum outcome
commit(struct db_tx *tx, int *rc, struct err *err)
{
	*rc = conn_run(tx->conn, "COMMIT", err);
	if (*rc == 0)
		return DONE;
	/* 1213 is the one clear answer: certification failed */
	if (mysql_errno(tx->conn->mysql) == DEADLOCK) {
		roll_back(tx->conn);
		return TRY_AGAIN;
	}
	tx->conn->is_broken = true;
	return UNKNOWN;
}

static enum outcome
run_once(struct db *db, db_tx_fn *fn, void *context, bool is_rerun, int *rc,
    struct err *err)
{
	struct db_tx tx = { .is_rerun = is_rerun };
	enum outcome outcome;

	*rc = conn_take(db, &tx.conn, err);
	if (*rc < 0)
		return is_rerun && *rc == E_BUSY ? NOT_BEGUN : DONE;
	*rc = conn_run(tx.conn, "START TRANSACTION", err);
	if (*rc < 0) {
		conn_judge_read(tx.conn);
		tx.failure = *rc;
	} else {
		err_clear(err);
		*rc = fn(&tx, context, err);
	}
	outcome = *rc < 0 || tx.failure != 0 ? give_up(&tx, rc, err)
					     : commit(&tx, rc, err);
	conn_give(tx.conn);
	return outcome;
}

static int
uncertain(struct err *err)
{
	char cause[sizeof(err->cause)];

	memcpy(cause, err->cause, sizeof(cause));
	err_set(err, E_UNCERTAIN,
	    "it is not known whether the change was made; look, and try "
	    "again");
	return err_cause(err, "%s", cause);
}

int
db_txn(struct db *db, db_tx_fn *fn, void *context, struct err *err)
{
	int64_t until = time_monotonic_us() + TXN_TIME_US;
	unsigned tries = 0;
	bool is_rerun = false;

	for (;;) {
		int rc = 0;
		enum outcome outcome =
		    run_once(db, fn, context, is_rerun, &rc, err);

		if (outcome == DONE)
			/* our own fault says nothing about the earlier run */
			return is_rerun && rc == E_INTERNAL ? uncertain(err)
							    : rc;
		if (outcome == UNKNOWN)
			is_rerun = true;
		/* to know is worth a wait, so that is limited by time alone */
		if (outcome != NOT_BEGUN)
			tries++;
		if (tries == TXN_TRIES || time_monotonic_us() > until)
			return is_rerun ? uncertain(err) : rc;
		pause_before_try(outcome == NOT_BEGUN ? TXN_TRIES : tries - 1);
	}
}

bool
db_tx_is_rerun(const struct db_tx *tx)
{
	return tx->is_rerun;
}

/* the server may have taken it back without a word */
static int
check_open(struct db_tx *tx, struct err *err)
{
	if (conn_is_in_transaction(tx->conn))
		return 0;
	tx->conn->fault = FAULT_AGAIN;
	err_set(err, E_BUSY, "the database is busy, try again");
	return err_cause(err, "the transaction is gone");
}

/*
 * A node of Galera that rolls back while it prepares a query tells nobody:
 * what came before is lost, and what follows would be committed alone. So
 * ask, before anything follows.
 */
static int
prepare(struct db_tx *tx, unsigned stmt, struct err *err)
{
	int rc = stmt_prepare(tx->conn, stmt, err);

	if (rc <= 0)
		return rc;
	rc = conn_run(tx->conn, "DO 0", err);
	return rc < 0 ? rc : check_open(tx, err);
}

static int
run(struct db_tx *tx, struct pool *pool, unsigned stmt,
    const struct db_value *args, size_t arg_count, struct db_rows *rows_out,
    uint64_t *affected_out, struct err *err)
{
	int rc;

	if (tx->failure != 0)
		return err_set(
		    err, tx->failure, "the transaction has failed before");
	rc = prepare(tx, stmt, err);
	if (rc == 0)
		rc = stmt_run(tx->conn, pool, stmt, args, arg_count, rows_out,
		    affected_out, err);
	if (rc == 0)
		rc = check_open(tx, err);
	tx->failure = rc;
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
