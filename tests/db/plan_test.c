/*
 * How many rows the database reads for each statement, when there are many: a
 * page, or a few that it states, and no more when there are ten times as many.
 * Every table is filled by what its columns look like, and every statement run
 * with values that are there, so that a new table or statement needs nothing
 * here, unless it reads more on purpose.
 */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include <ctype.h>

#include "common/base/enc.h"
#include "common/base/str.h"
#include "common/model/schema.h"
#include "tests/db/env.h"

#define DATABASE "dtr_plan"
#define FEW      600
#define MANY     6000
/* all values of arguments are those of this row */
#define ROW      "10"
#define ARGS_MAX 64
/* of each LIMIT, whatever the statement says */
#define PAGE 10

/* what stays small however much is pushed */
static const char *const small[] = { "setting", "token_key",
	"token_certificate", "schema_version", "gc_freed" };
#define SMALL_ROWS 20

static struct db *db;

/* What reads more than it may, behind a plan that looks good or not. */
static const struct db_stmt_text bad_ones[] = {
	{ "all", "SELECT COUNT(*) FROM account WHERE full_name = ?", 1 },
	{ "sorted",
	    "SELECT name FROM account WHERE name > ? ORDER BY full_name "
	    "LIMIT 10",
	    1 },
	{ "function", "SELECT id FROM account WHERE LOWER(name) = ?", 1 },
	{ "range",
	    "SELECT COUNT(*) FROM tag WHERE repository_id = ? AND name > ?",
	    2 },
	{ "skipped",
	    "SELECT name FROM tag WHERE repository_id = ? AND name > ? "
	    "AND pushed_by IS NULL ORDER BY name LIMIT 10",
	    2 },
};

/* the statements, what counts rows, and those that are bad */
enum {
	ROWS_READ = Q_COUNT,
	BAD_FIRST,
	RUNS = BAD_FIRST + COUNT_OF(bad_ones)
};
static struct db_stmt_text runs[RUNS];

static bool
is_small(const char *table)
{
	for (size_t i = 0; i < COUNT_OF(small); i++)
		if (strcmp(small[i], table) == 0)
			return true;
	return false;
}

/* --- a full database */

/*
 * Half of the rows of a table crowd around row ROW: in one shape they have
 * all of a unique key in common but its first column (one blob of many
 * repositories), in the other all but its last (many tags of one repository).
 * The rest have nothing in common.
 */
enum shape {
	SHAPE_FIRST,
	SHAPE_LAST,
	SHAPES
};
static const char *const ends[SHAPES] = { "MIN", "MAX" };

/* Row "n" has the same id, name and digests in every table, so that what
 * belongs together finds each other. */
static const char *
value_in_row(const char *column, const char *type, const char *n)
{
	if (strcmp(type, "binary(16)") == 0)
		return pool_printf(env.pool, "UNHEX(MD5(%s))", n);
	if (strcmp(type, "binary(64)") == 0)
		return pool_printf(env.pool, "UNHEX(SHA2(%s, 512))", n);
	if (strcmp(type, "binary(32)") == 0 || strcmp(column, "digest") == 0 ||
	    strcmp(column, "subject") == 0)
		return pool_printf(env.pool, "UNHEX(SHA2(%s, 256))", n);
	return pool_printf(env.pool, "CONCAT('n', LPAD(%s, 6, '0'))", n);
}

/* Does this column tell the rows of the crowd apart? */
static bool
is_of_its_own(const char *table, const char *column, enum shape shape)
{
	return sql_int("SELECT COUNT(*) FROM unique_keys u JOIN (SELECT "
		       "index_name, %s(seq_in_index) AS place FROM unique_keys "
		       "WHERE table_name = '%s' AND column_type NOT LIKE "
		       "'tinyint%%' GROUP BY index_name) k ON k.index_name = "
		       "u.index_name AND k.place = u.seq_in_index WHERE "
		       "u.table_name = '%s' AND u.column_name = '%s'",
		   ends[shape], table, table, column) > 0;
}

static const char *
expression(const char *table, const char *column, enum shape shape)
{
	const char *type = sql_text("SELECT column_type FROM all_columns "
				    "WHERE table_name = '%s' AND "
				    "column_name = '%s'",
	    table, column);

	if (strncmp(type, "datetime", 8) == 0)
		return "UTC_TIMESTAMP(6) - INTERVAL seq SECOND";
	if (strncmp(type, "tinyint", 7) == 0)
		return "seq % 4";
	if (strstr(type, "int") != NULL)
		return "seq";
	return value_in_row(column, type,
	    is_of_its_own(table, column, shape) ? "seq"
						: "IF(seq % 2, seq, " ROW ")");
}

/* The rows of numbers "first" to "last". */
static void
fill(struct db_admin *admin, const char *table, enum shape shape, int first,
    int last)
{
	struct str columns, values;
	const char *column = "";

	str_init(&columns, env.pool, 10000);
	str_init(&values, env.pool, 10000);
	while ((column = sql_text("SELECT MIN(column_name) FROM all_columns "
				  "WHERE table_name = '%s' AND "
				  "column_name > '%s'",
		    table, column)) != NULL) {
		const char *comma = columns.len > 0 ? ", " : "";

		str_printf(&columns, "%s%s", comma, column);
		str_printf(
		    &values, "%s%s", comma, expression(table, column, shape));
	}
	ok(db_admin_run(admin,
	    pool_printf(env.pool,
		"INSERT IGNORE INTO %s (%s) SELECT %s FROM seq_%d_to_%d", table,
		columns.p, values.p, first, last),
	    &env.err));
}

static const char *
table_after(const char *table)
{
	return sql_text("SELECT MIN(table_name) FROM all_columns WHERE "
			"table_name > '%s' AND table_name <> 'schema_version'",
	    table);
}

static struct db_options
options_of(const struct db_stmt_text *stmts, size_t count)
{
	return (struct db_options){ .hosts = env.conf.db_hosts,
		.database = DATABASE,
		.user = getenv("DTR_TEST_SUPER"),
		.connections = 1,
		.wait_ms = 10000,
		.stmts = stmts,
		.stmt_count = count };
}

/* From "first" on; all that was there goes before row 1 comes. */
static void
fill_all(enum shape shape, int first, int last)
{
	struct db_options options = options_of(NULL, 0);
	struct db_admin *admin;
	const char *table = "";

	ok(db_admin_open(&admin, &options, &env.err));
	while ((table = table_after(table)) != NULL) {
		if (first == 1)
			ok(db_admin_run(admin,
			    pool_printf(env.pool, "TRUNCATE TABLE %s", table),
			    &env.err));
		if (!is_small(table))
			fill(admin, table, shape, first, last);
		else if (first == 1)
			fill(admin, table, shape, first, SMALL_ROWS);
		assert_true(
		    sql_int("SELECT COUNT(*) FROM " DATABASE ".%s", table) > 0);
		ok(db_admin_run(admin,
		    pool_printf(env.pool, "ANALYZE TABLE %s", table),
		    &env.err));
	}
	db_admin_close(&admin);
}

/* Each LIMIT is a page here: what a statement reads may depend on it. */
static const char *
with_pages(const char *text)
{
	struct str out;
	const char *limit, *number;

	str_init(&out, env.pool, 20000);
	for (; (limit = strstr(text, "LIMIT ")) != NULL; text = number) {
		number = limit + strlen("LIMIT ");
		if (strncmp(number, "?, ", 3) == 0)
			number += 3;
		str_add(&out, text, (size_t)(number - text));
		if (strtol(number, NULL, 10) <= PAGE)
			continue;
		str_printf(&out, "%d", PAGE);
		number += strspn(number, "0123456789");
	}
	str_puts(&out, text);
	return out.p;
}

static int
setup(void **state UNUSED)
{
	struct db_options options;

	env_setup(state);
	options = options_of(NULL, 0);
	sql("CREATE DATABASE " DATABASE);
	ok(schema_migrate(&options, env.pool, NULL, &env.err));
	/* what the server knows of the tables, which it is slow to tell */
	sql("CREATE TEMPORARY TABLE all_columns AS SELECT table_name, "
	    "column_name, column_type FROM information_schema.COLUMNS WHERE "
	    "table_schema = '" DATABASE "'");
	sql("CREATE TEMPORARY TABLE unique_keys AS SELECT s.table_name, "
	    "s.column_name, c.column_type, index_name, seq_in_index FROM "
	    "information_schema.STATISTICS s JOIN all_columns c ON "
	    "c.table_name = s.table_name AND c.column_name = s.column_name "
	    "WHERE table_schema = '" DATABASE "' AND non_unique = 0");
	/* of sessions to come: rows are filled, changed and deleted as if
	 * nothing else were there */
	sql("SET GLOBAL foreign_key_checks = 0");
	/* no plan by a sample that is another one each time */
	sql("SET GLOBAL innodb_stats_persistent_sample_pages = 10000");
	for (unsigned s = 0; s < Q_COUNT; s++)
		runs[s] = (struct db_stmt_text){ q_stmts[s].name,
			with_pages(q_stmts[s].text), q_stmts[s].params };
	runs[ROWS_READ] = (struct db_stmt_text){ "rows_read",
		"SELECT CAST(SUM(VARIABLE_VALUE) AS SIGNED) FROM "
		"information_schema.SESSION_STATUS WHERE VARIABLE_NAME LIKE "
		"'Handler_read%' OR VARIABLE_NAME = 'Handler_icp_attempts'",
		0 };
	memcpy(runs + BAD_FIRST, bad_ones, sizeof(bad_ones));
	options = options_of(runs, COUNT_OF(runs));
	db = db_new(&options);
	return 0;
}

static int
teardown(void **state)
{
	db_free(&db);
	sql("SET GLOBAL innodb_stats_persistent_sample_pages = DEFAULT");
	sql("SET GLOBAL foreign_key_checks = 1");
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

/* In the list of db_lookup() the first row names the columns, behind them. */
static const char *
column_of_lookup(const char *text, const char *p, size_t argument)
{
	static const char mark[] = "? AS BINARY) AS ";
	const char *name = strstr(text, mark);
	size_t count = 0;

	if (name == NULL || strncmp(p, mark, strlen("? AS BINARY)")) != 0)
		return NULL;
	for (const char *n = name; n != NULL; n = strstr(n + 1, mark))
		count++;
	for (size_t i = 0; i < argument % count; i++)
		name = strstr(name + 1, mark);
	name += strlen(mark);
	return pool_memdup(env.pool, name,
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_"));
}

static const char row_first[] = "0", row_last[] = "999999";

/* Behind what "?" is compared with: the end of "=", "<", ">" or "IN"; NULL: it
 * is not. */
static const char *
operator_before(const char *text, const char *p)
{
	while (p > text && strchr(" \n,?(", p[-1]) != NULL)
		p--;
	if (p - text < 2)
		return NULL;
	return strchr("=<>", p[-1]) != NULL || strncmp(p - 2, "IN", 2) == 0
	    ? p
	    : NULL;
}

/* What is greater or less than "?" begins at one end of the rows. */
static const char *
row_for(const char *operator)
{
	if (operator[-1] == '=')
		operator--;
	if (operator[-1] == '>')
		return row_first;
	return operator[-1] == '<' ? row_last : ROW;
}

static struct db_value
value_of(const char *column, const char *row)
{
	const char *type, *hex;
	unsigned char *value;
	size_t n;

	type = sql_text("SELECT MIN(column_type) FROM all_columns WHERE "
			"column_name = '%s'",
	    column);
	if (type == NULL || strstr(type, "int") != NULL)
		return db_int(1);
	if (strncmp(type, "datetime", 8) == 0)
		return db_text(row == row_first ? "1000-01-01" : "9999-12-31");
	hex =
	    sql_text("SELECT LOWER(HEX(%s))", value_in_row(column, type, row));
	n = strlen(hex) / 2;
	value = pool_alloc(env.pool, n);
	assert_true(enc_parse_hex(value, n, hex));
	/* digests have no order; these are their ends */
	if (strncmp(type, "binary", 6) == 0 && strcmp(row, ROW) != 0)
		memset(value, row == row_first ? 0 : 0xff, n);
	return db_bytes(value, n);
}

static bool
is_limit(const char *text, const char *p)
{
	static const char word[] = "LIMIT ";
	size_t n = strlen(word);

	return (size_t)(p - text) >= n && strncmp(p - n, word, n) == 0;
}

static size_t
arguments(const char *text, struct db_value values[ARGS_MAX])
{
	size_t count = 0, looked_up = 0;

	for (const char *p = text; (p = strchr(p, '?')) != NULL; p++) {
		const char *operator= operator_before(text, p);
		const char *column = column_of_lookup(text, p, looked_up);

		assert_true(count < ARGS_MAX);
		looked_up += column != NULL;
		if (column != NULL)
			values[count++] = value_of(column, ROW);
		else if (operator!= NULL)
			values[count++] =
			    value_of(column_before(text, p), row_for(operator));
		else
			values[count++] = db_int(is_limit(text, p) ? PAGE : 1);
	}
	return count;
}

/* --- what is read */

/* With a unique key: some rows of each table, eight times for db_lookup(). */
#define A_FEW 50
/* Of a LIMIT: a row of the list and what goes with it, and some that do not
 * fit. */
#define A_PAGE (8 * PAGE)
/* Those that row ROW has. */
#define A_CROWD (MANY / 2)

/* What reads more, on purpose: so many times all that something has. */
static const struct {
	const char *name;
	int times;
} crowds[] = {
	/* a user: his teams, their rights, his tokens */
	{ "access_facts", 5 },
	{ "access_token_revoke_refresh", 2 },
	{ "catalog_granted", 3 },
	{ "catalog_namespaces", 9 },
	/* a user's uploads, no more than a setting lets him begin */
	{ "upload_count", 2 },
	/* all administrators, for dtr check */
	{ "account_admin_count", 3 },
	/* a manifest: OCI_DESCRIPTORS_MAX blobs or children */
	{ "gc_review_queue_blobs", 2 },
	{ "gc_review_queue_children", 1 },
	{ "manifest_blob_show", 2 },
	{ "manifest_blob_unlink", 1 },
	{ "manifest_child_cut", 2 },
	{ "manifest_child_keep", 3 },
	{ "manifest_child_unlink", 1 },
};

static int
crowds_of(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(crowds); i++)
		if (strcmp(crowds[i].name, name) == 0)
			return crowds[i].times;
	return 0;
}

/* What a statement may read. */
static int64_t
most_of(unsigned s)
{
	const char *p = runs[s].text;
	int64_t most = A_FEW + crowds_of(runs[s].name) * A_CROWD;

	for (; (p = strstr(p, "LIMIT ")) != NULL; p++)
		most += A_PAGE;
	return most;
}

static int64_t
rows_read(void)
{
	struct db_rows rows;

	ok(db_select(db, env.pool, ROWS_READ, &rows, &env.err));
	return db_cell(&rows, 0, 0)->i;
}

struct run {
	unsigned stmt;
	struct db_value values[ARGS_MAX];
	size_t count;
	size_t listed; /* rows of the result */
};

/* nothing of it stays */
static int
run_tx(struct db_tx *tx, void *context, struct err *err)
{
	struct run *r = context;
	struct db_rows rows = { .count = 0 };
	int rc = strncmp(runs[r->stmt].text, "SELECT", 6) == 0
	    ? tx_select_(tx, env.pool, r->stmt, &rows, err, r->values, r->count)
	    : tx_exec_(tx, r->stmt, NULL, err, r->values, r->count);

	r->listed = rows.count;
	return rc < 0 ? rc : err_set(err, E_ABORTED, "taken back");
}

static int64_t
cost_of(unsigned s)
{
	struct run r = { .stmt = s };
	int64_t begin = 0, asking = 0;

	r.count = arguments(runs[s].text, r.values);
	/* twice: the server reads statistics of a table when it opens it */
	for (int i = 0; i < 2; i++) {
		begin = rows_read();
		asking = rows_read() - begin;
		if (db_txn(db, run_tx, &r, &env.err) != E_ABORTED)
			fail_msg("%s: %s (%s)", runs[s].name, env.err.text,
			    env.err.cause);
	}
	/* every list has an end: a LIMIT, or a key that finds one row */
	if (r.listed > DB_LOOKUP_WIDTH && strstr(runs[s].text, "LIMIT") == NULL)
		fail_msg("%s lists without end", runs[s].name);
	return rows_read() - begin - 2 * asking;
}

/* A statement that only puts in what it is given reads nothing. */
static bool
reads(const char *text)
{
	return (strncmp(text, "INSERT", 6) != 0 &&
		   strncmp(text, "REPLACE", 7) != 0) ||
	    strstr(text, "SELECT") != NULL;
}

/* Small tables may well be read as a whole: what it is for many rows counts,
 * and that it is not more for more. */
static bool
is_bounded(unsigned s, int64_t of_few, int64_t of_many)
{
	int64_t most = most_of(s);
	bool grows =
	    crowds_of(runs[s].name) == 0 && of_many > 3 * of_few + A_FEW;

	if (of_many <= most && !grows)
		return true;
	print_error("%s reads %" PRId64 " rows of %d and %" PRId64
		    " of %d, it may read %" PRId64 ": %s\n",
	    runs[s].name, of_few, FEW, of_many, MANY, most, runs[s].text);
	return false;
}

static void
test_statements_read_what_they_may(void **state UNUSED)
{
	static int64_t of_few[Q_COUNT];
	unsigned bad = 0, good = 0;

	for (int shape = 0; shape < SHAPES; shape++) {
		fill_all(shape, 1, FEW);
		for (unsigned s = 0; s < Q_COUNT; s++)
			of_few[s] = reads(runs[s].text) ? cost_of(s) : 0;
		fill_all(shape, FEW + 1, MANY);
		for (unsigned s = 0; s < Q_COUNT; s++) {
			if (!reads(runs[s].text))
				continue;
			if (is_bounded(s, of_few[s], cost_of(s)))
				good++;
			else
				bad++;
		}
	}
	assert_int_equal(bad, 0);
	assert_true(good > 40 * SHAPES);
}

/* those that read too much are found: the test can fail */
static void
test_reading_too_much_is_seen(void **state UNUSED)
{
	for (unsigned s = BAD_FIRST; s < RUNS; s++)
		if (cost_of(s) <= most_of(s))
			fail_msg("%s is not seen", runs[s].name);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_statements_read_what_they_may),
	cmocka_unit_test(test_reading_too_much_is_seen),
};

int
main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
