/*
 * Connections and statements: what the pool does when servers stop, keep
 * silent, come back or run out of something, and what cells hold.
 */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <sys/wait.h>

#include "common/base/time.h"
#include "tests/db/own.h"

/* The caller has to free what it gets. */
static struct db *
db_with(const char *hosts, unsigned connections, unsigned wait_ms)
{
	struct db_options options = own_options(hosts);

	options.connections = connections;
	options.wait_ms = wait_ms;
	return db_new(&options);
}

static int
get(struct db *db, int64_t *n_out)
{
	struct db_rows rows;
	int rc = db_select(db, env.pool, OWN_GET, &rows, &env.err, db_int(1));

	if (rc == 0 && n_out != NULL)
		*n_out = db_cell(&rows, 0, 0)->i;
	return rc;
}

static int64_t
connection_of(struct db *db)
{
	struct db_rows rows;

	ok(db_select(db, env.pool, OWN_CONNECTION, &rows, &env.err));
	return db_cell(&rows, 0, 0)->i;
}

static int
nothing_tx(
    struct db_tx *tx UNUSED, void *context UNUSED, struct err *err UNUSED)
{
	return 0;
}

/* Until it works again by itself. */
static void
wait_good(struct db *db)
{
	int64_t until = time_monotonic_us() + 20 * TIME_SECOND;

	while (get(db, NULL) < 0) {
		assert_int_equal(env.err.code, E_BUSY);
		if (time_monotonic_us() > until)
			fail_msg("it does not come back: %s", env.err.cause);
		time_sleep_us(10000);
	}
}

/* --- statements */

static void
test_cells(void **state UNUSED)
{
	struct db_rows rows;
	const struct db_cell *cell;

	sql("UPDATE own_row SET n = 21");
	ok(db_select(own.db, env.pool, OWN_CELLS, &rows, &env.err));
	assert_int_equal(rows.count, 1);
	assert_int_equal(rows.columns, 11);
	assert_null(db_cell(&rows, 0, 0)->p);
	assert_int_equal(db_cell(&rows, 0, 1)->i, -5);
	assert_string_equal(db_cell(&rows, 0, 1)->p, "-5");
	assert_string_equal(db_cell(&rows, 0, 2)->p, "18446744073709551615");
	assert_int_equal(db_cell(&rows, 0, 3)->n, 0);
	assert_non_null(db_cell(&rows, 0, 3)->p);
	cell = db_cell(&rows, 0, 4);
	assert_int_equal(cell->n, 3);
	assert_memory_equal(cell->p, "a\0b", 4);
	/* at the size that is fetched at once, over it, and far over it */
	for (size_t i = 5; i <= 7; i++) {
		static const size_t sizes[] = { 256, 257, 1000000 };

		cell = db_cell(&rows, 0, i);
		assert_int_equal(cell->n, sizes[i - 5]);
		assert_int_equal(strlen(cell->p), sizes[i - 5]);
		assert_int_equal(cell->p[cell->n - 1], "xyz"[i - 5]);
	}
	assert_int_equal(db_cell(&rows, 0, 8)->i, 42);
	assert_true(db_cell(&rows, 0, 9)->i == INT64_MAX);
	assert_true(db_cell(&rows, 0, 10)->i == INT64_MIN);
	/* again on the prepared statement, after long values */
	ok(db_select(own.db, env.pool, OWN_CELLS, &rows, &env.err));
	assert_int_equal(db_cell(&rows, 0, 6)->n, 257);
}

static void
test_rows(void **state UNUSED)
{
	struct db_rows rows;

	sql("DELETE FROM own_row;\n"
	    "INSERT INTO own_row (id, n) SELECT seq, seq %% 300 "
	    "FROM seq_1_to_3000;\n");
	ok(db_select(own.db, env.pool, OWN_MANY, &rows, &env.err));
	assert_int_equal(rows.count, 3000);
	for (size_t i = 0; i < rows.count; i++) {
		assert_int_equal(
		    db_cell(&rows, i, 0)->i, (int64_t)(i + 1) % 300);
		assert_int_equal(db_cell(&rows, i, 1)->n, (i + 1) % 300);
	}
	sql("DELETE FROM own_row WHERE id > 0");
	ok(db_select(own.db, env.pool, OWN_MANY, &rows, &env.err));
	assert_int_equal(rows.count, 0);
}

static void
echo(struct db_value value, const char *expected, size_t n)
{
	struct db_rows rows;

	ok(db_select(
	    own.db, env.pool, OWN_ECHO, &rows, &env.err, value, value));
	if (expected == NULL) {
		assert_null(db_cell(&rows, 0, 0)->p);
		assert_null(db_cell(&rows, 0, 1)->p);
		return;
	}
	assert_int_equal(db_cell(&rows, 0, 0)->n, n);
	assert_memory_equal(db_cell(&rows, 0, 0)->p, expected, n);
	assert_int_equal(db_cell(&rows, 0, 1)->i, (int64_t)n);
}

static void
test_arguments(void **state UNUSED)
{
	size_t large = (size_t)8 << 20;
	char *bytes = pool_alloc(env.pool, large);

	memset(bytes, 'l', large);
	echo(db_null(), NULL, 0);
	echo(db_text(NULL), NULL, 0);
	echo(db_bytes(NULL, 5), NULL, 0);
	echo(db_text(""), "", 0);
	echo(db_text("a'b\"c\\d"), "a'b\"c\\d", 7);
	echo(
	    db_text("\xc3\xa4\xf0\x9f\x98\x80"), "\xc3\xa4\xf0\x9f\x98\x80", 6);
	echo(db_bytes("a\0b\xff\xfe", 5), "a\0b\xff\xfe", 5);
	echo(db_int(INT64_MIN), "-9223372036854775808", 20);
	echo(db_uint(UINT64_MAX), "18446744073709551615", 20);
	/* two of them pass the maximum; one is enough */
	ok(own_row(1) == 0 ? 0 : E_INTERNAL);
	echo(db_bytes(bytes, large / 2), bytes, large / 2);
}

static void
test_session(void **state UNUSED)
{
	struct db_rows rows;

	sql("SET GLOBAL sql_mode = ''; ");
	ok(db_select(own.db, env.pool, OWN_SESSION, &rows, &env.err));
	sql("SET GLOBAL sql_mode = DEFAULT");
	/* whatever the server's own defaults are */
	assert_non_null(strstr(db_cell(&rows, 0, 0)->p, "STRICT_ALL_TABLES"));
	assert_string_equal(db_cell(&rows, 0, 1)->p, "+00:00");
	assert_string_equal(db_cell(&rows, 0, 2)->p, "READ-COMMITTED");
	assert_string_equal(db_cell(&rows, 0, 3)->p, "utf8mb4_bin");
	assert_int_equal(db_cell(&rows, 0, 4)->i, 1);
	assert_in_range(db_cell(&rows, 0, 5)->i, 1, 9);
}

static void
test_table_altered_between_two_calls(void **state UNUSED)
{
	int64_t n;

	ok(get(own.db, &n));
	sql("ALTER TABLE own_row ADD COLUMN more INT NOT NULL DEFAULT 5");
	ok(get(own.db, &n));
	assert_int_equal(n, 0);
	sql("ALTER TABLE own_row MODIFY COLUMN n VARCHAR(20) NOT NULL");
	ok(get(own.db, NULL));
}

static void
test_too_many_prepared_statements(void **state UNUSED)
{
	struct db_rows rows;

	ok(get(own.db, NULL));
	/* the server's limit, which others may have used up */
	sql("SET GLOBAL max_prepared_stmt_count = 1");
	ok(db_select(own.db, env.pool, OWN_SUM, &rows, &env.err));
	ok(get(own.db, NULL));
	assert_int_equal(proxy_links(own.proxy), 1);
	sql("SET GLOBAL max_prepared_stmt_count = 0");
	fails(db_select(own.db, env.pool, OWN_SUM, &rows, &env.err), E_BUSY);
	sql("SET GLOBAL max_prepared_stmt_count = DEFAULT");
	ok(db_select(own.db, env.pool, OWN_SUM, &rows, &env.err));
}

static void
test_statement_that_is_refused(void **state UNUSED)
{
	sql("DROP TABLE own_child;\n"
	    "RENAME TABLE own_row TO own_child;\n");
	fails(get(own.db, NULL), E_INTERNAL);
	assert_string_equal(env.err.text, "the database refused a statement");
	assert_non_null(strstr(env.err.cause, "own_get: 1146"));
	sql("RENAME TABLE own_child TO own_row;\n"
	    "CREATE TABLE own_child (id INT);\n");
	ok(get(own.db, NULL));
}

/* --- the pool */

static void
test_one_connection_serves_many_calls(void **state UNUSED)
{
	for (int i = 0; i < 20; i++)
		ok(get(own.db, NULL));
	ok(db_txn(own.db, nothing_tx, NULL, &env.err));
	ok(db_check(own.db, &env.err));
	assert_int_equal(proxy_links(own.proxy), 1);
}

static int
nested_tx(struct db_tx *tx UNUSED, void *context, struct err *err UNUSED)
{
	struct db *db = context;

	fails(get(db, NULL), E_BUSY);
	assert_string_equal(env.err.text, "the database is busy, try again");
	assert_string_equal(env.err.cause, "all 1 connections are in use");
	fails(db_txn(db, nothing_tx, NULL, &env.err), E_BUSY);
	fails(db_check(db, &env.err), E_BUSY);
	return 0;
}

static void
test_exhausted(void **state UNUSED)
{
	struct db *db = db_with(own.address, 1, 50);
	struct err err = ERR_INIT;

	assert_int_equal(db_txn(db, nested_tx, db, &err), 0);
	ok(get(db, NULL));
	db_free(&db);
}

struct waiter {
	struct db *db;
	int rc;
	struct err err;
};

static void *
get_thread(void *context)
{
	struct waiter *w = context;
	struct pool *pool = pool_new((size_t)1 << 20);
	struct db_rows rows;

	w->rc = db_select(w->db, pool, OWN_GET, &rows, &w->err, db_int(1));
	pool_free(&pool);
	return NULL;
}

static void
test_waits_for_a_connection(void **state UNUSED)
{
	struct waiter w[2] = { { .db = db_with(own.address, 1, 20000) } };
	pthread_t threads[2];

	w[1].db = w[0].db;
	/* the first one has the only connection and is held back */
	proxy_rule(own.proxy, PROXY_HOLD, "SELECT n");
	assert_int_equal(
	    pthread_create(&threads[0], NULL, get_thread, &w[0]), 0);
	proxy_wait_held(own.proxy);
	assert_int_equal(
	    pthread_create(&threads[1], NULL, get_thread, &w[1]), 0);
	time_sleep_us(20000);
	proxy_release(own.proxy);
	for (size_t i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		env_check(w[i].rc, 0, &w[i].err, __FILE__, __LINE__);
	}
	assert_int_equal(proxy_links(own.proxy), 1);
	db_free(&w[0].db);
}

static void
test_select_is_repeated_when_its_connection_is_lost(void **state UNUSED)
{
	int64_t n = -1;

	ok(get(own.db, NULL));
	proxy_rule(own.proxy, PROXY_CUT_BEFORE, "SELECT n");
	ok(get(own.db, &n));
	assert_int_equal(n, 0);
	proxy_rule(own.proxy, PROXY_CUT_AFTER, "SELECT n");
	ok(get(own.db, &n));
	assert_int_equal(n, 0);
	proxy_answer(own.proxy, 1205, "SELECT n", 1);
	ok(get(own.db, &n));
	proxy_answer(own.proxy, 1213, "SELECT n", UINT_MAX);
	fails(get(own.db, &n), E_BUSY);
}

static void
test_all_idle_connections_died(void **state UNUSED)
{
	struct waiter w[4] = { { .db = own.db } };
	pthread_t threads[4];

	for (size_t i = 0; i < COUNT_OF(w); i++) {
		w[i].db = own.db;
		assert_int_equal(
		    pthread_create(&threads[i], NULL, get_thread, &w[i]), 0);
	}
	for (size_t i = 0; i < COUNT_OF(w); i++)
		pthread_join(threads[i], NULL);
	proxy_mode(own.proxy, PROXY_REFUSES);
	proxy_mode(own.proxy, PROXY_SERVES);
	/* one failure speaks for all of them, so three tries are enough */
	ok(get(own.db, NULL));
	ok(db_check(own.db, &env.err));
	ok(db_txn(own.db, nothing_tx, NULL, &env.err));
}

static void
test_drop_idle(void **state UNUSED)
{
	int64_t first = connection_of(own.db);

	assert_int_equal(connection_of(own.db), first);
	db_drop_idle(own.db);
	assert_int_not_equal(connection_of(own.db), first);
}

static void
test_fork(void **state UNUSED)
{
	int64_t first = connection_of(own.db);
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		db_free(&own.db);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	/* the child's goodbye did not reach the server */
	assert_int_equal(connection_of(own.db), first);
}

/* --- servers */

static void
test_no_server(void **state UNUSED)
{
	ok(get(own.db, NULL));
	proxy_mode(own.proxy, PROXY_REFUSES);
	fails(get(own.db, NULL), E_BUSY);
	assert_string_equal(
	    env.err.text, "the database does not answer, try again");
	fails(db_txn(own.db, nothing_tx, NULL, &env.err), E_BUSY);
	fails(db_check(own.db, &env.err), E_BUSY);
	fails(get(own.db, NULL), E_BUSY);
	proxy_mode(own.proxy, PROXY_SERVES);
	wait_good(own.db);
	ok(db_txn(own.db, nothing_tx, NULL, &env.err));
	ok(db_check(own.db, &env.err));
}

static void
test_server_restarts(void **state UNUSED)
{
	ok(get(own.db, NULL));
	server_run("stop");
	fails(get(own.db, NULL), E_BUSY);
	fails(db_check(own.db, &env.err), E_BUSY);
	server_run("start");
	wait_good(own.db);
	ok(db_txn(own.db, nothing_tx, NULL, &env.err));
}

static void
test_second_host(void **state UNUSED)
{
	const char *hosts =
	    pool_printf(env.pool, "%s,%s", own.address, env.conf.db_hosts);
	struct db *db = db_with(hosts, 4, 1000);

	ok(get(db, NULL));
	assert_int_equal(proxy_links(own.proxy), 1);
	/* the first goes: nobody notices */
	proxy_mode(own.proxy, PROXY_REFUSES);
	ok(get(db, NULL));
	ok(db_txn(db, nothing_tx, NULL, &env.err));
	ok(db_check(db, &env.err));
	/* and comes: it is preferred again, when it is looked at */
	proxy_mode(own.proxy, PROXY_SERVES);
	for (int i = 0; proxy_links(own.proxy) == 1; i++) {
		if (i > 2000)
			fail_msg("the first host is not used again");
		ok(get(db, NULL));
		time_sleep_us(10000);
	}
	proxy_clear(own.proxy);
	ok(get(db, NULL));
	assert_int_equal(proxy_count(own.proxy, "SELECT n"), 1);
	db_free(&db);
}

static void
test_silent_host(void **state UNUSED)
{
	const char *hosts =
	    pool_printf(env.pool, "%s,%s", own.address, env.conf.db_hosts);
	struct db *db = db_with(hosts, 4, 1000);

	/* it takes connections and says nothing, as a stopped machine does;
	 * that takes longer than the wait, and the other one serves */
	proxy_mode(own.proxy, PROXY_SILENT);
	ok(get(db, NULL));
	assert_int_equal(proxy_links(own.proxy), 1);
	/* the wait is over: nobody else pays for it at once */
	for (int i = 0; i < 20; i++)
		ok(get(db, NULL));
	assert_int_equal(proxy_links(own.proxy), 1);
	db_free(&db);
}

static void
test_server_that_serves_nobody(void **state UNUSED)
{
	const char *hosts =
	    pool_printf(env.pool, "%s,%s", own.address, env.conf.db_hosts);
	struct db *db = db_with(hosts, 4, 1000);

	/* a node that lost its cluster connects well and refuses tables */
	proxy_answer(own.proxy, 1047, "SELECT n", UINT_MAX);
	ok(get(db, NULL));
	/* the other one is used, and goes on being used */
	ok(get(db, NULL));
	assert_int_equal(proxy_count(own.proxy, "SELECT n"), 1);
	db_free(&db);
}

static int
add_tx(struct db_tx *tx, void *context UNUSED, struct err *err)
{
	return tx_exec(tx, OWN_ADD, NULL, err, db_int(1), db_int(1));
}

static void
test_read_only_server(void **state UNUSED)
{
	const char *hosts =
	    pool_printf(env.pool, "%s,%s", own.address, env.conf.db_hosts);
	struct db *db = db_with(hosts, 4, 1000);

	/* e.g. a replica that took no part in a fail-over */
	proxy_answer(own.proxy, 1290, "UPDATE", UINT_MAX);
	ok(db_txn(db, add_tx, NULL, &env.err));
	assert_int_equal(own_row(1), 1);
	db_free(&db);
}

static void
test_wrong_password(void **state UNUSED)
{
	struct db_options options = env_options("registry", NULL);
	struct db *db;

	options.password = "no";
	options.stmts = NULL;
	options.stmt_count = 0;
	db = db_new(&options);
	fails(db_check(db, &env.err), E_BUSY);
	assert_string_equal(env.err.text,
	    pool_printf(env.pool, "the database refuses the user \"%s\"",
		options.user));
	assert_non_null(strstr(env.err.cause, "1045"));
	db_free(&db);
}

static void
test_malformed_hosts(void **state UNUSED)
{
	struct db *db = db_with("a b", 1, 100);

	fails(get(db, NULL), E_INTERNAL);
	assert_non_null(strstr(env.err.text, "database host \"a b\""));
	fails(db_check(db, &env.err), E_INTERNAL);
	db_free(&db);
}

static const struct CMUnitTest tests[] = {
	OWN_TEST(test_cells),
	OWN_TEST(test_rows),
	OWN_TEST(test_arguments),
	OWN_TEST(test_session),
	OWN_TEST(test_table_altered_between_two_calls),
	OWN_TEST(test_too_many_prepared_statements),
	OWN_TEST(test_statement_that_is_refused),
	OWN_TEST(test_one_connection_serves_many_calls),
	OWN_TEST(test_exhausted),
	OWN_TEST(test_waits_for_a_connection),
	OWN_TEST(test_select_is_repeated_when_its_connection_is_lost),
	OWN_TEST(test_all_idle_connections_died),
	OWN_TEST(test_drop_idle),
	OWN_TEST(test_fork),
	OWN_TEST(test_no_server),
	OWN_TEST(test_server_restarts),
	OWN_TEST(test_second_host),
	OWN_TEST(test_silent_host),
	OWN_TEST(test_server_that_serves_nobody),
	OWN_TEST(test_read_only_server),
	OWN_TEST(test_wrong_password),
	OWN_TEST(test_malformed_hosts),
};

UNIT_MAIN(tests)
