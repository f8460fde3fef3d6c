#include "common/base/base.h"
#include "tests/db/own.h"

#include "tests/unit/unit.h"

static const struct db_stmt_text stmts[OWN_COUNT] = {
	[OWN_INSERT] = { "own_insert",
	    "INSERT INTO own_row (id, n) VALUES (?, ?)", 2 },
	[OWN_GET] = { "own_get", "SELECT n FROM own_row WHERE id = ?", 1 },
	[OWN_FIND] = { "own_find",
	    "SELECT n, REPEAT('v', n) FROM own_row WHERE id = ?", 1 },
	[OWN_FIND_MANY] = { "own_find_many",
	    "SELECT k.number, r.n, REPEAT('v', r.n) FROM (SELECT 0 AS number, "
	    "CAST(? AS SIGNED) AS id UNION ALL SELECT 1, ? UNION ALL "
	    "SELECT 2, ? UNION ALL SELECT 3, ? UNION ALL SELECT 4, ? "
	    "UNION ALL SELECT 5, ? UNION ALL SELECT 6, ? UNION ALL "
	    "SELECT 7, ?) k JOIN own_row r ON r.id = k.id",
	    DB_LOOKUP_WIDTH },
	[OWN_ADD] = { "own_add", "UPDATE own_row SET n = n + ? WHERE id = ?",
	    2 },
	[OWN_CHILD] = { "own_child",
	    "INSERT INTO own_child (id, row_id) VALUES (?, ?)", 2 },
	[OWN_HURRY] = { "own_hurry", "SET SESSION innodb_lock_wait_timeout = 1",
	    0 },
	[OWN_CONNECTION] = { "own_connection", "SELECT CONNECTION_ID()", 0 },
	[OWN_SESSION] = { "own_session",
	    "SELECT @@sql_mode, @@time_zone, @@tx_isolation, "
	    "@@collation_connection, @@autocommit, "
	    "@@innodb_lock_wait_timeout",
	    0 },
	[OWN_CELLS] = { "own_cells",
	    "SELECT NULL, CAST(-5 AS SIGNED), "
	    "CAST(18446744073709551615 AS UNSIGNED), '', X'610062', "
	    "REPEAT('x', 256), REPEAT('y', 257), REPEAT('z', 1000000), "
	    "(SELECT SUM(n) FROM own_row), 9223372036854775807, "
	    "-9223372036854775808",
	    0 },
	[OWN_MANY] = { "own_many",
	    "SELECT a.n, REPEAT('v', a.n) FROM own_row a ORDER BY a.id", 0 },
	[OWN_ECHO] = { "own_echo", "SELECT ?, LENGTH(?)", 2 },
	[OWN_SUM] = { "own_sum", "SELECT SUM(n) FROM own_row", 0 },
};

struct own own;

struct db_options
own_options(const char *hosts)
{
	return (struct db_options){ .hosts = hosts,
		.database = env.conf.db_name,
		.user = getenv("DTR_TEST_SUPER"),
		.connections = 4,
		.wait_ms = 1000,
		.stmts = stmts,
		.stmt_count = OWN_COUNT };
}

int
own_setup(void **state)
{
	struct db_options options;

	env_setup(state);
	sql("DROP TABLE IF EXISTS own_child;\n"
	    "DROP TABLE IF EXISTS own_row;\n"
	    "CREATE TABLE own_row (id INT PRIMARY KEY, n BIGINT NOT NULL);\n"
	    "CREATE TABLE own_child (id INT PRIMARY KEY, row_id INT NOT NULL, "
	    "CONSTRAINT own_parent FOREIGN KEY (row_id) "
	    "REFERENCES own_row (id));\n"
	    "INSERT INTO own_row (id, n) VALUES (1, 0), (2, 0);\n");
	own.address = env_socket("proxy");
	own.proxy = proxy_start(own.address, env.conf.db_hosts);
	options = own_options(own.address);
	own.db = db_new(&options);
	return 0;
}

int
own_teardown(void **state)
{
	db_free(&own.db);
	proxy_stop(&own.proxy);
	sql("DROP TABLE own_child;\n"
	    "DROP TABLE own_row;\n");
	return env_teardown(state);
}

int
own_insert_tx(struct db_tx *tx, void *context, struct err *err)
{
	struct own_run *run = context;
	int rc;

	run->runs++;
	run->reruns += db_tx_is_rerun(tx);
	rc = tx_exec(tx, OWN_INSERT, NULL, err, db_int(run->id), db_int(1));
	if (rc == E_EXISTS && db_tx_is_rerun(tx))
		return 0;
	if (rc < 0)
		return rc;
	rc = tx_exec(tx, OWN_ADD, NULL, err, db_int(1), db_int(1));
	return rc < 0 ? rc : run->code;
}

int
own_insert(struct own_run *run)
{
	return db_txn(own.db, own_insert_tx, run, &env.err);
}

int64_t
own_row(int64_t id)
{
	const char *n = sql_text(
	    "SELECT COALESCE(MAX(n), -1) FROM own_row WHERE id = %d", (int)id);

	return strcmp(n, "-1") == 0
	    ? -1
	    : sql_int("SELECT n FROM own_row WHERE id = %d", (int)id);
}
