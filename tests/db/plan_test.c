/*
 * How the database finds the rows of each statement, when there are many: by
 * an index. Every table is filled by what its columns look like, and every
 * statement explained with values that are there, so that a new table or
 * statement needs nothing here.
 */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include <ctype.h>

#include "common/base/num.h"
#include "common/base/str.h"
#include "common/crypt/digest.h"
#include "common/model/schema.h"
#include "tests/db/env.h"

#define DATABASE "dtr_plan"
#define ROWS     3000
/* a plan that reads more rows than this reads a table */
#define MANY 1000
/* all values of arguments are those of this row */
#define ROW      "10"
#define ARGS_MAX 64

/* what stays small however much is pushed */
static const char *const small[] = { "setting", "token_key",
	"token_certificate", "schema_version", "gc_freed" };

/* counts, up to the LIMIT that is in the text */
#define COUNTS "backlog"

static struct db *db;
static struct db_stmt_text explains[Q_COUNT];

static bool
is_small(const char *table)
{
	for (size_t i = 0; i < COUNT_OF(small); i++)
		if (strcmp(small[i], table) == 0)
			return true;
	return false;
}

/* --- a full database */

/* Row "seq" has the same id, name and digests in every table, so that all
 * foreign keys hold. */
static const char *
expression(const char *column, const char *type)
{
	if (strcmp(type, "binary(16)") == 0)
		return "UNHEX(MD5(seq))";
	if (strcmp(type, "binary(64)") == 0)
		return "UNHEX(SHA2(seq, 512))";
	if (strcmp(type, "binary(32)") == 0 || strcmp(column, "digest") == 0 ||
	    strcmp(column, "subject") == 0)
		return "UNHEX(SHA2(seq, 256))";
	if (strncmp(type, "datetime", 8) == 0)
		return "UTC_TIMESTAMP(6) - INTERVAL seq SECOND";
	if (strncmp(type, "tinyint", 7) == 0)
		return "seq % 4";
	if (strstr(type, "int") != NULL)
		return "seq";
	return "CONCAT('n', LPAD(seq, 6, '0'))";
}

static void
fill(struct db_admin *admin, const char *table)
{
	struct str columns, values;
	int64_t count =
	    sql_int("SELECT COUNT(*) FROM "
		    "information_schema.COLUMNS WHERE "
		    "table_schema = '" DATABASE "' AND table_name = '%s'",
		table);

	str_init(&columns, env.pool, 10000);
	str_init(&values, env.pool, 10000);
	for (int i = 1; i <= count; i++) {
		const char *where = pool_printf(env.pool,
		    "FROM information_schema.COLUMNS WHERE "
		    "table_schema = '" DATABASE
		    "' AND table_name = '%s' AND ordinal_position = %d",
		    table, i);
		const char *column = sql_text("SELECT column_name %s", where);
		const char *type = sql_text("SELECT column_type %s", where);

		str_printf(&columns, "%s%s", i > 1 ? ", " : "", column);
		str_printf(&values, "%s%s", i > 1 ? ", " : "",
		    expression(column, type));
	}
	ok(db_admin_run(admin,
	    pool_printf(env.pool,
		"INSERT INTO %s (%s) SELECT %s FROM seq_1_to_%d", table,
		columns.p, values.p, is_small(table) ? 20 : ROWS),
	    &env.err));
	ok(db_admin_run(
	    admin, pool_printf(env.pool, "ANALYZE TABLE %s", table), &env.err));
}

static void
fill_all(void)
{
	struct db_options options = { .hosts = env.conf.db_hosts,
		.database = DATABASE,
		.user = getenv("DTR_TEST_SUPER"),
		.connections = 1,
		.wait_ms = 10000 };
	struct db_admin *admin;
	const char *table = "";

	ok(schema_migrate(&options, env.pool, NULL, &env.err));
	ok(db_admin_open(&admin, &options, &env.err));
	ok(db_admin_run(admin, "SET foreign_key_checks = 0", &env.err));
	while ((table = sql_text("SELECT MIN(table_name) FROM "
				 "information_schema.TABLES WHERE "
				 "table_schema = '" DATABASE
				 "' AND table_name > '%s' AND "
				 "table_name <> 'schema_version'",
		    table)) != NULL)
		fill(admin, table);
	db_admin_close(&admin);
}

static int
setup(void **state UNUSED)
{
	struct db_options options;

	env_setup(state);
	sql("CREATE DATABASE " DATABASE);
	fill_all();
	for (unsigned s = 0; s < Q_COUNT; s++)
		explains[s] = (struct db_stmt_text){ q_stmts[s].name,
			pool_printf(env.pool, "EXPLAIN %s", q_stmts[s].text),
			q_stmts[s].params };
	options = (struct db_options){ .hosts = env.conf.db_hosts,
		.database = DATABASE,
		.user = getenv("DTR_TEST_SUPER"),
		.connections = 1,
		.wait_ms = 10000,
		.stmts = explains,
		.stmt_count = Q_COUNT };
	db = db_new(&options);
	return 0;
}

static int
teardown(void **state)
{
	db_free(&db);
	sql("DROP DATABASE " DATABASE);
	return env_teardown(state);
}

/* --- arguments */

/* The last name before p, without its table: the column that is compared. */
static const char *
column_before(const char *text, const char *p)
{
	const char *end;

	do {
		while (p > text && !isalnum((unsigned char)p[-1]))
			p--;
		end = p;
		while (
		    p > text && (isalnum((unsigned char)p[-1]) || p[-1] == '_'))
			p--;
	} while (p > text &&
	    (isdigit((unsigned char)*p) || p == end ||
		strncmp(p, "IN (", 4) == 0));
	return pool_memdup(env.pool, p, (size_t)(end - p));
}

static struct db_value
value_of(const char *column)
{
	static unsigned char bytes[DIGEST_SIZE_MAX];
	const char *type;

	/* few, so that sorting all of them pays in no table */
	if (strcmp(column, "LIMIT") == 0)
		return db_int(10);
	type = sql_text("SELECT MIN(column_type) FROM "
			"information_schema.COLUMNS WHERE table_schema = "
			"'" DATABASE "' AND column_name = '%s'",
	    column);
	if (type == NULL)
		return db_int(1);
	if (strcmp(type, "binary(16)") == 0) {
		const char *id = sql_text("SELECT UNHEX(MD5(" ROW "))");

		return db_bytes(id, 16);
	}
	if (strcmp(type, "binary(64)") == 0) {
		digest_of(DIGEST_SHA512, ROW, strlen(ROW), bytes);
		return db_bytes(
		    pool_memdup(env.pool, bytes, DIGEST_SHA512_SIZE),
		    DIGEST_SHA512_SIZE);
	}
	if (strcmp(type, "binary(32)") == 0 || strcmp(column, "digest") == 0 ||
	    strcmp(column, "subject") == 0) {
		digest_of(DIGEST_SHA256, ROW, strlen(ROW), bytes);
		return db_bytes(
		    pool_memdup(env.pool, bytes, DIGEST_SHA256_SIZE),
		    DIGEST_SHA256_SIZE);
	}
	if (strstr(type, "int") != NULL || strstr(type, "datetime") != NULL)
		return db_int(1);
	return db_text("n0000" ROW);
}

static size_t
arguments(const char *text, struct db_value values[ARGS_MAX])
{
	size_t count = 0;

	for (const char *p = text; (p = strchr(p, '?')) != NULL; p++) {
		assert_true(count < ARGS_MAX);
		values[count++] = value_of(column_before(text, p));
	}
	return count;
}

/* --- plans */

/* columns of EXPLAIN */
enum {
	PLAN_TABLE = 2,
	PLAN_TYPE = 3,
	PLAN_KEY = 5,
	PLAN_ROWS = 8,
	PLAN_EXTRA
};

static const char *
text_cell(const struct db_rows *rows, size_t row, size_t column)
{
	const char *p = db_cell(rows, row, column)->p;

	return p != NULL ? p : "-";
}

static bool
reads_a_table(const struct db_rows *rows, size_t i)
{
	const char *type = text_cell(rows, i, PLAN_TYPE);
	const char *extra = text_cell(rows, i, PLAN_EXTRA);
	int64_t count = 0;

	/* not always a number to the library */
	if (!num_parse_range(
		text_cell(rows, i, PLAN_ROWS), 0, INT64_MAX, &count) ||
	    count < MANY)
		return false;
	return strcmp(type, "ALL") == 0 || strcmp(type, "index") == 0 ||
	    strstr(extra, "filesort") != NULL ||
	    strstr(extra, "temporary") != NULL;
}

static void
print_plan(const char *name, const char *text, const struct db_rows *rows)
{
	print_error("%s: %s\n", name, text);
	for (size_t i = 0; i < rows->count; i++)
		print_error("  %s: %s, key %s, %s rows, %s\n",
		    text_cell(rows, i, PLAN_TABLE),
		    text_cell(rows, i, PLAN_TYPE), text_cell(rows, i, PLAN_KEY),
		    text_cell(rows, i, PLAN_ROWS),
		    text_cell(rows, i, PLAN_EXTRA));
}

/* A statement that only puts in what it is given has no plan. */
static bool
has_a_plan(const char *text)
{
	return (strncmp(text, "INSERT", 6) != 0 &&
		   strncmp(text, "REPLACE", 7) != 0) ||
	    strstr(text, "SELECT") != NULL;
}

static void
test_no_statement_reads_a_whole_table(void **state UNUSED)
{
	unsigned bad = 0, good = 0;

	for (unsigned s = 0; s < Q_COUNT; s++) {
		struct db_value values[ARGS_MAX];
		struct db_rows rows;
		bool reads = false;
		size_t count;

		if (!has_a_plan(q_stmts[s].text) ||
		    strcmp(q_stmts[s].name, COUNTS) == 0)
			continue;
		count = arguments(q_stmts[s].text, values);
		ok(db_select_(db, env.pool, s, &rows, &env.err, values, count));
		for (size_t i = 0; i < rows.count; i++)
			reads = reads || reads_a_table(&rows, i);
		if (reads)
			print_plan(q_stmts[s].name, q_stmts[s].text, &rows);
		bad += reads;
		good += !reads;
	}
	assert_int_equal(bad, 0);
	assert_true(good > 40);
}

/* the statements on what is not indexed are found: the test can fail */
static void
test_reading_a_whole_table_is_seen(void **state UNUSED)
{
	static const struct db_stmt_text texts[] = {
		{ "all", "EXPLAIN SELECT id FROM account WHERE full_name = ?",
		    1 },
		{ "sorted",
		    "EXPLAIN SELECT name FROM account WHERE name > ? "
		    "ORDER BY full_name LIMIT 10",
		    1 },
		{ "function",
		    "EXPLAIN SELECT id FROM account WHERE LOWER(name) = ?", 1 },
	};
	struct db_options options = { .hosts = env.conf.db_hosts,
		.database = DATABASE,
		.user = getenv("DTR_TEST_SUPER"),
		.connections = 1,
		.wait_ms = 10000,
		.stmts = texts,
		.stmt_count = COUNT_OF(texts) };
	struct db *other = db_new(&options);

	for (unsigned s = 0; s < COUNT_OF(texts); s++) {
		struct db_rows rows;

		ok(db_select(
		    other, env.pool, s, &rows, &env.err, db_text("n0000" ROW)));
		assert_true(reads_a_table(&rows, 0));
	}
	db_free(&other);
}

/* Every list has an end: a LIMIT, or a key that finds one row. */
static void
test_no_list_is_endless(void **state UNUSED)
{
	for (unsigned s = 0; s < Q_COUNT; s++) {
		struct db_value values[ARGS_MAX];
		struct db_rows rows;
		const char *text = q_stmts[s].text;

		if (strncmp(text, "SELECT", 6) != 0 ||
		    strstr(text, "LIMIT") != NULL ||
		    strstr(text, "COUNT(") != NULL)
			continue;
		ok(db_select_(db, env.pool, s, &rows, &env.err, values,
		    arguments(text, values)));
		for (size_t i = 0; i < rows.count; i++) {
			const char *type = text_cell(&rows, i, PLAN_TYPE);

			if (strcmp(type, "const") == 0 ||
			    strcmp(type, "eq_ref") == 0 ||
			    strcmp(type, "-") == 0 ||
			    /* the list of arguments of db_lookup() */
			    strncmp(text_cell(&rows, i, PLAN_TABLE),
				"<derived", 8) == 0 ||
			    strcmp(text_cell(&rows, i, PLAN_ROWS), "1") == 0)
				continue;
			print_plan(q_stmts[s].name, text, &rows);
			fail();
		}
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_no_statement_reads_a_whole_table),
	cmocka_unit_test(test_reading_a_whole_table_is_seen),
	cmocka_unit_test(test_no_list_is_endless),
};

int
main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
