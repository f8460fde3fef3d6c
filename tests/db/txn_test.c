/*
 * Transactions: all or nothing, once, whatever the server, the network or a
 * rival does in between; and what the caller is told.
 */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include <pthread.h>

#include "common/base/time.h"
#include "tests/db/own.h"

static void
test_commit(void **state UNUSED)
{
	struct own_run run = { .id = 10 };

	ok(own_insert(&run));
	assert_int_equal(run.runs, 1);
	assert_int_equal(run.reruns, 0);
	assert_int_equal(own_row(10), 1);
	assert_int_equal(own_row(1), 1);
}

static void
test_roll_back_on_an_error_of_the_function(void **state UNUSED)
{
	struct own_run run = { .id = 10, .code = E_DENIED };

	env.err.code = E_DENIED;
	assert_int_equal(own_insert(&run), E_DENIED);
	assert_int_equal(run.runs, 1);
	assert_int_equal(own_row(10), -1);
	assert_int_equal(own_row(1), 0);
	/* the connection is good and nothing is left open on it */
	run.code = 0;
	ok(own_insert(&run));
	assert_int_equal(own_row(1), 1);
	assert_int_equal(proxy_links(own.proxy), 1);
}

/* as Galera may do it while a statement is prepared */
static void
test_transaction_that_goes_without_a_word(void **state UNUSED)
{
	struct own_run run = { .id = 10 };

	proxy_rule(own.proxy, PROXY_ROLL_BACK, "UPDATE");
	ok(own_insert(&run));
	assert_true(proxy_is_used(own.proxy));
	assert_int_equal(run.runs, 2);
	assert_int_equal(run.reruns, 0);
	assert_int_equal(own_row(10), 1);
	assert_int_equal(own_row(1), 1);
}

static int
insert_and_sum_tx(struct db_tx *tx, void *context, struct err *err)
{
	struct own_run *run = context;
	struct db_rows rows;
	int rc = tx_exec(tx, OWN_INSERT, NULL, err, db_int(run->id), db_int(1));

	run->runs++;
	return rc < 0 ? rc : tx_select(tx, env.pool, OWN_SUM, &rows, err);
}

static void
test_a_query_finds_the_transaction_gone(void **state UNUSED)
{
	struct own_run first = { .id = 10 }, second = { .id = 11 };

	ok(db_txn(own.db, insert_and_sum_tx, &first, &env.err));
	/* both are prepared by now */
	proxy_rule(own.proxy, PROXY_ROLL_BACK, "SELECT SUM");
	ok(db_txn(own.db, insert_and_sum_tx, &second, &env.err));
	assert_int_equal(second.runs, 2);
	assert_int_equal(own_row(11), 1);
}

static int
careless_tx(struct db_tx *tx, void *context, struct err *err)
{
	struct own_run *run = context;
	struct err first = ERR_INIT;
	struct db_rows rows;

	run->runs++;
	assert_int_equal(
	    tx_exec(tx, OWN_INSERT, NULL, &first, db_int(1), db_int(1)),
	    E_EXISTS);
	/* goes on as if nothing were */
	assert_int_equal(
	    tx_exec(tx, OWN_INSERT, NULL, err, db_int(10), db_int(1)),
	    E_EXISTS);
	assert_int_equal(
	    tx_exec(tx, OWN_ADD, NULL, err, db_int(1), db_int(2)), E_EXISTS);
	assert_int_equal(
	    tx_select(tx, env.pool, OWN_SUM, &rows, err), E_EXISTS);
	return run->code;
}

static void
test_nothing_is_sent_after_an_error(void **state UNUSED)
{
	struct own_run run = { .code = E_EXISTS };

	assert_int_equal(db_txn(own.db, careless_tx, &run, &env.err), E_EXISTS);
	assert_int_equal(run.runs, 1);
	assert_int_equal(proxy_count(own.proxy, "INSERT"), 1);
	assert_int_equal(proxy_count(own.proxy, "UPDATE"), 0);
	assert_int_equal(proxy_count(own.proxy, "SELECT"), 0);
	assert_int_equal(proxy_count(own.proxy, "COMMIT"), 0);
	assert_int_equal(proxy_count(own.proxy, "ROLLBACK"), 1);
	assert_int_equal(own_row(10), -1);
	assert_int_equal(own_row(2), 0);
}

static void
test_an_ignored_error_is_a_fault(void **state UNUSED)
{
	struct own_run run = { .code = 0 };

	fails(db_txn(own.db, careless_tx, &run, &env.err), E_INTERNAL);
	assert_string_equal(
	    env.err.cause, "an error of a statement was ignored");
	assert_int_equal(proxy_count(own.proxy, "COMMIT"), 0);
}

static int
orphan_tx(struct db_tx *tx, void *context, struct err *err)
{
	struct own_run *run = context;

	run->runs++;
	return tx_exec(tx, OWN_CHILD, NULL, err, db_int(1), db_int(99));
}

static void
test_reference_that_is_refused(void **state UNUSED)
{
	struct own_run run = { .runs = 0 };

	fails(db_txn(own.db, orphan_tx, &run, &env.err), E_CONFLICT);
	assert_int_equal(run.runs, 1);
	assert_non_null(strstr(env.err.cause, "own_child: 1452"));
}

/* --- run again */

static void
test_numbers_that_mean_again(void **state UNUSED)
{
	static const unsigned numbers[] = { 1213, 1205, 1020, 1047, 1180, 1927,
		2006, 2013, 1412, 1053 };

	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		struct own_run run = { .id = 10 + (int)i };

		/* on a connection that knows the statement */
		proxy_answer(own.proxy, numbers[i], "UPDATE", 1);
		proxy_clear(own.proxy);
		while (db_txn(own.db, own_insert_tx, &run, &env.err) == E_BUSY)
			/* the one server is left alone for a moment */
			run.runs = 0;
		assert_true(proxy_is_used(own.proxy));
		assert_int_equal(own_row(10 + (int)i), 1);
		assert_int_equal(own_row(1), (int)i + 1);
		assert_int_equal(run.reruns, 0);
	}
}

static void
test_run_again_on_the_same_connection(void **state UNUSED)
{
	struct own_run run = { .id = 10 };

	proxy_answer(own.proxy, 1213, "UPDATE", 2);
	ok(own_insert(&run));
	assert_int_equal(run.runs, 3);
	assert_int_equal(run.reruns, 0);
	assert_int_equal(proxy_count(own.proxy, "ROLLBACK"), 2);
	assert_int_equal(proxy_count(own.proxy, "START TRANSACTION"), 3);
	assert_int_equal(proxy_links(own.proxy), 1);
	assert_int_equal(own_row(1), 1);
}

static void
test_gives_up_in_the_end(void **state UNUSED)
{
	struct own_run run = { .id = 10 };

	proxy_answer(own.proxy, 1213, "UPDATE", UINT_MAX);
	fails(own_insert(&run), E_BUSY);
	assert_in_range(run.runs, 2, 100);
	assert_int_equal(own_row(10), -1);
	assert_non_null(strstr(env.err.cause, "own_add: 1213"));
}

static void
test_certification_that_fails_at_commit(void **state UNUSED)
{
	struct own_run run = { .id = 10 };

	/* the clear answer: it was not committed, so this is no rerun */
	proxy_answer(own.proxy, 1213, "COMMIT", 1);
	ok(own_insert(&run));
	assert_int_equal(run.runs, 2);
	assert_int_equal(run.reruns, 0);
	assert_int_equal(own_row(1), 1);
}

static void
test_certification_victim_hears_of_it_at_rollback(void **state UNUSED)
{
	struct own_run run = { .id = 10, .code = E_DENIED };

	proxy_answer(own.proxy, 1213, "ROLLBACK", 1);
	env.err.code = E_DENIED;
	assert_int_equal(own_insert(&run), E_DENIED);
	assert_int_equal(proxy_count(own.proxy, "ROLLBACK"), 2);
	assert_int_equal(own_row(10), -1);
	run.code = 0;
	ok(own_insert(&run));
	assert_int_equal(own_row(1), 1);
}

struct crossing {
	int first;
	int second;
	unsigned runs;
	int rc;
	struct err err;
	pthread_barrier_t *barrier;
};

static int
crossing_tx(struct db_tx *tx, void *context, struct err *err)
{
	struct crossing *c = context;
	int rc = tx_exec(tx, OWN_ADD, NULL, err, db_int(1), db_int(c->first));

	/* both have their first row before one asks for its second */
	if (c->runs++ == 0)
		pthread_barrier_wait(c->barrier);
	if (rc < 0)
		return rc;
	return tx_exec(tx, OWN_ADD, NULL, err, db_int(1), db_int(c->second));
}

static void *
cross(void *context)
{
	struct crossing *c = context;

	c->rc = db_txn(own.db, crossing_tx, c, &c->err);
	return NULL;
}

static void
test_deadlock(void **state UNUSED)
{
	pthread_barrier_t barrier;
	struct crossing a = { .first = 1, .second = 2, .barrier = &barrier };
	struct crossing b = { .first = 2, .second = 1, .barrier = &barrier };
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, 2);
	assert_int_equal(pthread_create(&thread, NULL, cross, &a), 0);
	cross(&b);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&barrier);
	env_check(a.rc, 0, &a.err, __FILE__, __LINE__);
	env_check(b.rc, 0, &b.err, __FILE__, __LINE__);
	assert_int_equal(a.runs + b.runs, 3);
	assert_int_equal(own_row(1), 2);
	assert_int_equal(own_row(2), 2);
}

struct waiting {
	unsigned runs;
	int rc;
	struct err err;
};

static int
waiting_tx(struct db_tx *tx, void *context, struct err *err)
{
	struct waiting *w = context;
	int rc = tx_exec(tx, OWN_HURRY, NULL, err);

	w->runs++;
	/* the first run waits in vain, then the row is let go */
	if (rc == 0 && w->runs == 2)
		sql("ROLLBACK");
	if (rc == 0)
		rc = tx_exec(tx, OWN_ADD, NULL, err, db_int(1), db_int(1));
	return rc;
}

static void
test_lock_wait(void **state UNUSED)
{
	struct waiting w = { .runs = 0 };

	sql("START TRANSACTION;\n"
	    "UPDATE own_row SET n = n + 100 WHERE id = 1;\n");
	ok(db_txn(own.db, waiting_tx, &w, &env.err));
	assert_int_equal(w.runs, 2);
	assert_int_equal(own_row(1), 1);
}

/* --- lost connections */

static int64_t
connection_of(struct db_tx *tx, struct err *err)
{
	struct db_rows rows;

	if (tx_select(tx, env.pool, OWN_CONNECTION, &rows, err) < 0)
		return -1;
	return db_cell(&rows, 0, 0)->i;
}

struct killed {
	struct own_run run;
	unsigned times;
};

static int
killed_tx(struct db_tx *tx, void *context, struct err *err)
{
	struct killed *killed = context;
	int rc = own_insert_tx(tx, &killed->run, err);

	if (rc == 0 && killed->run.runs <= killed->times)
		sql("KILL CONNECTION %d", (int)connection_of(tx, err));
	if (rc == 0)
		rc = tx_exec(tx, OWN_ADD, NULL, err, db_int(1), db_int(2));
	return rc;
}

static void
test_connection_killed_in_the_middle(void **state UNUSED)
{
	struct killed killed = { .run.id = 10, .times = 1 };

	ok(db_txn(own.db, killed_tx, &killed, &env.err));
	assert_int_equal(killed.run.runs, 2);
	/* no COMMIT was sent: nothing is uncertain */
	assert_int_equal(killed.run.reruns, 0);
	assert_int_equal(own_row(10), 1);
	assert_int_equal(own_row(1), 1);
	assert_int_equal(own_row(2), 1);
}

static void
test_connection_killed_every_time(void **state UNUSED)
{
	struct killed killed = { .run.id = 10, .times = UINT_MAX };

	fails(db_txn(own.db, killed_tx, &killed, &env.err), E_BUSY);
	assert_int_equal(own_row(10), -1);
	assert_int_equal(own_row(1), 0);
}

static void
test_idle_connection_that_died(void **state UNUSED)
{
	struct own_run run = { .id = 10 };
	struct db_rows rows;

	ok(db_select(own.db, env.pool, OWN_CONNECTION, &rows, &env.err));
	sql("KILL CONNECTION %s", db_cell(&rows, 0, 0)->p);
	ok(own_insert(&run));
	assert_int_equal(run.runs, 1);
	assert_int_equal(proxy_links(own.proxy), 2);
	assert_int_equal(own_row(1), 1);
}

/* --- what a transaction sees */

static int
look_tx(struct db_tx *tx, void *context UNUSED, struct err *err)
{
	struct db_rows before, after;

	ok(tx_select(tx, env.pool, OWN_GET, &before, err, db_int(1)));
	sql("UPDATE own_row SET n = 7 WHERE id = 1");
	ok(tx_select(tx, env.pool, OWN_GET, &after, err, db_int(1)));
	assert_int_equal(db_cell(&before, 0, 0)->i, 0);
	assert_int_equal(db_cell(&after, 0, 0)->i, 7);
	return 0;
}

static void
test_reads_what_others_committed(void **state UNUSED)
{
	ok(db_txn(own.db, look_tx, NULL, &env.err));
}

static int
affected_tx(struct db_tx *tx, void *context UNUSED, struct err *err)
{
	uint64_t affected = 99;

	ok(tx_exec(tx, OWN_ADD, &affected, err, db_int(1), db_int(1)));
	assert_int_equal(affected, 1);
	ok(tx_exec(tx, OWN_ADD, &affected, err, db_int(1), db_int(99)));
	assert_int_equal(affected, 0);
	/* equal values are no change */
	ok(tx_exec(tx, OWN_ADD, &affected, err, db_int(0), db_int(1)));
	assert_int_equal(affected, 0);
	return 0;
}

static void
test_affected_rows(void **state UNUSED)
{
	ok(db_txn(own.db, affected_tx, NULL, &env.err));
}

static int
huge_tx(struct db_tx *tx, void *context, struct err *err)
{
	struct own_run *run = context;
	size_t n = (size_t)16 << 20;
	const char *bytes = pool_alloc(env.pool, n);
	struct db_rows rows;
	int rc = tx_select(tx, env.pool, OWN_ECHO, &rows, err,
	    db_bytes(bytes, n), db_text("x"));

	run->runs++;
	assert_int_equal(rc, E_TOOBIG);
	assert_int_equal(
	    tx_exec(tx, OWN_ADD, NULL, err, db_int(1), db_int(1)), E_TOOBIG);
	return rc;
}

static void
test_arguments_over_the_maximum(void **state UNUSED)
{
	struct own_run run = { .runs = 0 };

	/* the server would cut the connection, and a rerun would, too */
	assert_int_equal(db_txn(own.db, huge_tx, &run, &env.err), E_TOOBIG);
	assert_int_equal(run.runs, 1);
	assert_int_equal(proxy_links(own.proxy), 1);
	assert_int_equal(own_row(1), 0);
}

#define THREADS 4
#define ROUNDS  25

static int
add_tx(struct db_tx *tx, void *context UNUSED, struct err *err)
{
	int rc = tx_exec(tx, OWN_ADD, NULL, err, db_int(1), db_int(1));

	return rc < 0 ? rc
		      : tx_exec(tx, OWN_ADD, NULL, err, db_int(1), db_int(2));
}

static void *
add_thread(void *context)
{
	struct crossing *c = context;

	for (int i = 0; i < ROUNDS && c->rc == 0; i++)
		c->rc = db_txn(own.db, add_tx, NULL, &c->err);
	return NULL;
}

static void
test_many_threads(void **state UNUSED)
{
	struct crossing c[THREADS] = { { .rc = 0 } };
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, add_thread, &c[i]), 0);
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		env_check(c[i].rc, 0, &c[i].err, __FILE__, __LINE__);
	}
	assert_int_equal(own_row(1), THREADS * ROUNDS);
	assert_int_equal(own_row(2), THREADS * ROUNDS);
}

static const struct CMUnitTest tests[] = {
	OWN_TEST(test_commit),
	OWN_TEST(test_roll_back_on_an_error_of_the_function),
	OWN_TEST(test_transaction_that_goes_without_a_word),
	OWN_TEST(test_a_query_finds_the_transaction_gone),
	OWN_TEST(test_nothing_is_sent_after_an_error),
	OWN_TEST(test_an_ignored_error_is_a_fault),
	OWN_TEST(test_reference_that_is_refused),
	OWN_TEST(test_numbers_that_mean_again),
	OWN_TEST(test_run_again_on_the_same_connection),
	OWN_TEST(test_gives_up_in_the_end),
	OWN_TEST(test_certification_that_fails_at_commit),
	OWN_TEST(test_certification_victim_hears_of_it_at_rollback),
	OWN_TEST(test_deadlock),
	OWN_TEST(test_lock_wait),
	OWN_TEST(test_connection_killed_in_the_middle),
	OWN_TEST(test_connection_killed_every_time),
	OWN_TEST(test_idle_connection_that_died),
	OWN_TEST(test_reads_what_others_committed),
	OWN_TEST(test_affected_rows),
	OWN_TEST(test_arguments_over_the_maximum),
	OWN_TEST(test_many_threads),
};

UNIT_MAIN(tests)
