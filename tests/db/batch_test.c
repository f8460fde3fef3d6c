/*
 * Statements that nobody waits for go together: in their order, up to the
 * first that fails, with the values they were given.
 */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include <pthread.h>

#include "common/base/time.h"
#include "tests/db/own.h"

/* as own_setup(), with batches */
static int
setup(void **state)
{
	struct db_options options;

	own_setup(state);
	db_free(&own.db);
	options = own_options(own.address);
	options.no_batches = false;
	own.db = db_new(&options);
	return 0;
}

/* what it takes to connect does not count */
static void
connect_first(void)
{
	ok(db_check(own.db, &env.err));
	proxy_clear(own.proxy);
}

#define BATCH_TEST(name) \
 cmocka_unit_test_setup_teardown(name, setup, own_teardown)

static void
test_one_round_trip(void **state UNUSED)
{
	struct own_run run = { .id = 10 };

	connect_first();
	ok(own_insert(&run));
	assert_int_equal(proxy_commands(own.proxy), 1);
	assert_string_equal(proxy_log(own.proxy),
	    "START TRANSACTION;\n"
	    "INSERT INTO own_row (id, n) VALUES (10, 1);\n"
	    "UPDATE own_row SET n = n + 1 WHERE id = 1;\n"
	    "COMMIT\n");
	assert_int_equal(own_row(10), 1);
	assert_int_equal(own_row(1), 1);
}

static void
test_nothing_to_do_sends_nothing_that_lasts(void **state UNUSED)
{
	struct own_run run = { .id = 10, .code = E_DENIED };

	connect_first();
	env.err.code = E_DENIED;
	assert_int_equal(own_insert(&run), E_DENIED);
	/* its statements were never sent, so nothing has to be taken back */
	assert_int_equal(proxy_commands(own.proxy), 0);
	assert_int_equal(own_row(10), -1);
}

static int
middle_tx(struct db_tx *tx, void *context, struct err *err)
{
	struct own_run *run = context;
	int rc = tx_exec(tx, OWN_ADD, NULL, err, db_int(1), db_int(1));

	run->runs++;
	/* row 2 is there */
	if (rc == 0)
		rc = tx_exec(tx, OWN_INSERT, NULL, err, db_int(2), db_int(1));
	if (rc == 0)
		rc = tx_exec(tx, OWN_ADD, NULL, err, db_int(5), db_int(1));
	return rc;
}

static void
test_an_error_in_the_middle(void **state UNUSED)
{
	struct own_run run = { .runs = 0 };

	assert_int_equal(db_txn(own.db, middle_tx, &run, &env.err), E_EXISTS);
	assert_int_equal(run.runs, 1);
	assert_non_null(strstr(env.err.cause, "own_insert"));
	assert_int_equal(proxy_count(own.proxy, "ROLLBACK"), 1);
	assert_int_equal(own_row(1), 0);
	/* the connection is as good as before */
	run.id = 10;
	ok(own_insert(&run));
	assert_int_equal(proxy_links(own.proxy), 1);
	assert_int_equal(own_row(1), 1);
}

static int
ask_behind_tx(struct db_tx *tx, void *context, struct err *err)
{
	struct own_run *run = context;
	struct db_rows rows;
	int rc = middle_tx(tx, run, err);

	assert_int_equal(rc, 0);
	rc = tx_select(tx, env.pool, OWN_SUM, &rows, err);
	assert_int_equal(rc, E_EXISTS);
	/* dead: nothing more is sent */
	assert_int_equal(
	    tx_exec(tx, OWN_ADD, NULL, err, db_int(7), db_int(1)), E_EXISTS);
	return rc;
}

static void
test_who_asks_hears_of_an_error_before(void **state UNUSED)
{
	struct own_run run = { .runs = 0 };

	assert_int_equal(
	    db_txn(own.db, ask_behind_tx, &run, &env.err), E_EXISTS);
	assert_int_equal(proxy_count(own.proxy, "COMMIT"), 0);
	assert_int_equal(own_row(1), 0);
}

static int
orphan_tx(struct db_tx *tx, void *context UNUSED, struct err *err)
{
	return tx_exec(tx, OWN_CHILD, NULL, err, db_int(1), db_int(99));
}

static void
test_a_key_that_refuses(void **state UNUSED)
{
	fails(db_txn(own.db, orphan_tx, NULL, &env.err), E_CONFLICT);
	assert_int_equal(sql_int("SELECT COUNT(*) FROM own_child"), 0);
}

static void
test_a_lost_batch(void **state UNUSED)
{
	static const enum proxy_act acts[] = { PROXY_CUT_BEFORE,
		PROXY_CUT_AFTER };

	for (size_t i = 0; i < COUNT_OF(acts); i++) {
		struct own_run run = { .id = 10 + (int)i };

		/* whatever became of it, it is there once */
		proxy_rule(own.proxy, acts[i], "START TRANSACTION");
		ok(own_insert(&run));
		assert_int_equal(run.runs, 2);
		assert_int_equal(run.reruns, 1);
		assert_int_equal(own_row(run.id), 1);
		assert_int_equal(own_row(1), (int)i + 1);
	}
}

static void
test_a_connection_that_died_idle(void **state UNUSED)
{
	struct own_run run = { .id = 10 };
	struct db_rows rows;

	ok(db_select(own.db, env.pool, OWN_CONNECTION, &rows, &env.err));
	sql("KILL CONNECTION %s", db_cell(&rows, 0, 0)->p);
	wait_sql(0,
	    pool_printf(env.pool,
		"SELECT COUNT(*) FROM information_schema.PROCESSLIST "
		"WHERE ID = %s",
		db_cell(&rows, 0, 0)->p));
	ok(own_insert(&run));
	/* it was seen before anything was sent: nothing is uncertain */
	assert_int_equal(run.reruns, 0);
	assert_int_equal(own_row(1), 1);
}

static void
test_the_server_refuses_to_begin(void **state UNUSED)
{
	static const unsigned numbers[] = { 1213, 1205, 1927 };

	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		struct own_run run = { .id = 10 + (int)i };

		/* it said so: the COMMIT was not run */
		proxy_answer(own.proxy, numbers[i], "START TRANSACTION", 1);
		ok(own_insert(&run));
		assert_int_equal(run.runs, 2);
		assert_int_equal(run.reruns, 0);
		assert_int_equal(own_row(1), (int)i + 1);
	}
}

struct crossing {
	int first, second;
	unsigned runs;
	int rc;
	struct err err;
};

static int
cross_tx(struct db_tx *tx, void *context, struct err *err)
{
	struct crossing *c = context;
	int rc = tx_exec(tx, OWN_ADD, NULL, err, db_int(1), db_int(c->first));

	c->runs++;
	return rc < 0
	    ? rc
	    : tx_exec(tx, OWN_ADD, NULL, err, db_int(1), db_int(c->second));
}

#define ROUNDS 200

static void *
cross(void *context)
{
	struct crossing *c = context;

	for (int i = 0; i < ROUNDS && c->rc == 0; i++)
		c->rc = db_txn(own.db, cross_tx, c, &c->err);
	return NULL;
}

static void
test_deadlocks(void **state UNUSED)
{
	struct crossing ways[] = { { .first = 1, .second = 2 },
		{ .first = 2, .second = 1 }, { .first = 1, .second = 2 },
		{ .first = 2, .second = 1 } };
	pthread_t threads[COUNT_OF(ways)];
	int wanted = ROUNDS * (int)COUNT_OF(ways);

	for (size_t i = 0; i < COUNT_OF(ways); i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, cross, &ways[i]), 0);
	for (size_t i = 0; i < COUNT_OF(ways); i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < COUNT_OF(ways); i++)
		env_check(ways[i].rc, 0, &ways[i].err, __FILE__, __LINE__);
	assert_int_equal(own_row(1), wanted);
	assert_int_equal(own_row(2), wanted);
}

static bool
same_cell(const struct db_cell *a, const struct db_cell *b)
{
	return (a->p == NULL) == (b->p == NULL) && a->n == b->n &&
	    a->i == b->i && (a->p == NULL || memcmp(a->p, b->p, a->n + 1) == 0);
}

static int
cells_tx(struct db_tx *tx, void *context, struct err *err)
{
	return tx_select(tx, env.pool, OWN_CELLS, context, err);
}

static void
test_cells_as_outside_of_a_batch(void **state UNUSED)
{
	struct db_rows alone, batched;

	ok(db_select(own.db, env.pool, OWN_CELLS, &alone, &env.err));
	ok(db_txn(own.db, cells_tx, &batched, &env.err));
	assert_int_equal(batched.count, 1);
	assert_int_equal(batched.columns, alone.columns);
	for (size_t i = 0; i < alone.columns; i++)
		assert_true(
		    same_cell(db_cell(&alone, 0, i), db_cell(&batched, 0, i)));
}

struct echo {
	struct db_value value;
	const char *p;
	size_t n;
};

static int
echo_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct echo *echo = context;
	const struct db_cell *cell;
	struct db_rows rows;

	ok(tx_select(
	    tx, env.pool, OWN_ECHO, &rows, err, echo->value, echo->value));
	cell = db_cell(&rows, 0, 0);
	assert_int_equal(cell->p == NULL, echo->p == NULL);
	assert_int_equal(cell->n, echo->n);
	if (echo->p != NULL)
		assert_memory_equal(cell->p, echo->p, echo->n);
	return 0;
}

#define ECHO_TEXT(text)                 \
 {                                      \
  db_text(text), text, sizeof(text) - 1 \
 }

static void
test_values_stay_what_they_are(void **state UNUSED)
{
	static char bytes[256], large[8000], huge[300000];
	struct echo echoes[] = {
		{ db_null(), NULL, 0 },
		{ db_int(-1), "-1", 2 },
		{ db_int(INT64_MIN), "-9223372036854775808", 20 },
		{ db_int(INT64_MAX), "9223372036854775807", 19 },
		{ db_uint(UINT64_MAX), "18446744073709551615", 20 },
		ECHO_TEXT(""),
		ECHO_TEXT("'); DROP TABLE own_row; -- "),
		ECHO_TEXT("\\' \" ` ? ; /* %s \n \t"),
		ECHO_TEXT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x8b"),
		{ db_bytes(bytes, sizeof(bytes)), bytes, sizeof(bytes) },
		{ db_bytes("", 0), "", 0 },
		{ db_bytes(large, sizeof(large)), large, sizeof(large) },
		{ db_bytes(huge, sizeof(huge)), huge, sizeof(huge) },
	};

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	memset(large, 'x', sizeof(large));
	memset(huge, '\'', sizeof(huge));
	for (size_t i = 0; i < COUNT_OF(echoes); i++)
		ok(db_txn(own.db, echo_tx, &echoes[i], &env.err));
	assert_int_equal(own_row(1), 0);
}

static int
many_tx(struct db_tx *tx, void *context UNUSED, struct err *err)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < 100; i++)
		rc = tx_exec(tx, OWN_ADD, NULL, err, db_int(i), db_int(1));
	return rc;
}

static void
test_more_than_a_batch_holds(void **state UNUSED)
{
	connect_first();
	ok(db_txn(own.db, many_tx, NULL, &env.err));
	assert_int_equal(own_row(1), 99 * 100 / 2);
	assert_int_equal(proxy_count(own.proxy, "UPDATE"), 100);
	assert_true(proxy_commands(own.proxy) < 10);
}

static void
test_killed_in_a_batch(void **state UNUSED)
{
	struct own_run run = { .id = 10 };

	/* the server ends the connection at its second statement */
	sql("CREATE TRIGGER own_kill BEFORE INSERT ON own_row FOR EACH ROW "
	    "IF NEW.id = 10 THEN KILL QUERY CONNECTION_ID(); END IF");
	fails(own_insert(&run), E_INTERNAL);
	assert_int_equal(own_row(10), -1);
	assert_int_equal(own_row(1), 0);
}

static const struct CMUnitTest tests[] = {
	BATCH_TEST(test_one_round_trip),
	BATCH_TEST(test_nothing_to_do_sends_nothing_that_lasts),
	BATCH_TEST(test_an_error_in_the_middle),
	BATCH_TEST(test_who_asks_hears_of_an_error_before),
	BATCH_TEST(test_a_key_that_refuses),
	BATCH_TEST(test_a_lost_batch),
	BATCH_TEST(test_a_connection_that_died_idle),
	BATCH_TEST(test_the_server_refuses_to_begin),
	BATCH_TEST(test_deadlocks),
	BATCH_TEST(test_cells_as_outside_of_a_batch),
	BATCH_TEST(test_values_stay_what_they_are),
	BATCH_TEST(test_more_than_a_batch_holds),
	BATCH_TEST(test_killed_in_a_batch),
};

UNIT_MAIN(tests)
