/*
 * Migrations: whole, whatever was killed when, and by one node at a time.
 * Each test has a database of its own.
 */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/base/time.h"
#include "common/model/migration.h"
#include "common/model/schema.h"
#include "tests/db/proxy.h"
#include "tests/db/rows.h"

static struct proxy *proxy;
static const char *database;
static int migrations; /* that the program knows */
static int last; /* version of the last */

static int
setup(void **state)
{
	env_setup(state);
	proxy = proxy_start(env_socket("proxy"), env.conf.db_hosts);
	database = "dtr_migrated";
	migrations = 0;
	for (size_t i = 0; i < migration_step_count; i++)
		migrations += migration_steps[i].step == 1;
	last = migration_steps[migration_step_count - 1].version;
	sql("CREATE DATABASE %s", database);
	return 0;
}

static int
teardown(void **state)
{
	proxy_stop(&proxy);
	sql("DROP DATABASE %s", database);
	return env_teardown(state);
}

/* NULL: straight to the server */
static struct db_options
options_of(const char *hosts)
{
	return (struct db_options){
		.hosts = hosts != NULL ? hosts : env.conf.db_hosts,
		.database = database,
		.user = getenv("DTR_TEST_SUPER"),
		.connections = 1,
		.wait_ms = 10000,
	};
}

static _Thread_local int begun; /* migrations by this thread's call */

static void
count_begun(int version UNUSED, const char *name UNUSED)
{
	begun++;
}

static int
migrate(const char *hosts)
{
	struct db_options options = options_of(hosts);

	begun = 0;
	return schema_migrate(&options, env.pool, count_begun, &env.err);
}

/* What the tables look like, in one number. */
static const char *
shape_of(const char *name)
{
	return sql_text(
	    "SELECT CONCAT_WS('/', "
	    "(SELECT CONCAT(COUNT(*), '-', BIT_XOR(CRC32(CONCAT_WS(',', "
	    "table_name, column_name, ordinal_position, column_default, "
	    "is_nullable, column_type, collation_name)))) "
	    "FROM information_schema.COLUMNS WHERE table_schema = '%s'), "
	    "(SELECT CONCAT(COUNT(*), '-', BIT_XOR(CRC32(CONCAT_WS(',', "
	    "table_name, index_name, non_unique, seq_in_index, "
	    "column_name)))) "
	    "FROM information_schema.STATISTICS WHERE table_schema = '%s'), "
	    "(SELECT CONCAT(COUNT(*), '-', BIT_XOR(CRC32(CONCAT_WS(',', "
	    "table_name, constraint_name, referenced_table_name, "
	    "delete_rule)))) FROM information_schema.REFERENTIAL_CONSTRAINTS "
	    "WHERE constraint_schema = '%s'))",
	    name, name, name);
}

/* The database is as dtr init made the tests' own. */
static void
assert_complete(void)
{
	assert_sql(last, "SELECT version FROM %s.schema_version", database);
	assert_sql(0, "SELECT step FROM %s.schema_version", database);
	assert_string_equal(shape_of(database), shape_of(env.conf.db_name));
}

static void
test_migrate(void **state UNUSED)
{
	struct db_options options = options_of(NULL);
	struct db_admin *admin;
	int is, wanted;

	ok(db_admin_open(&admin, &options, &env.err));
	ok(schema_version(admin, env.pool, &is, &wanted, &env.err));
	assert_int_equal(is, 0);
	assert_int_equal(wanted, last);
	ok(migrate(NULL));
	assert_int_equal(begun, migrations);
	assert_complete();
	/* nobody waits for who is done */
	assert_string_equal(sql_text("SELECT claimed_by FROM "
				     "%s.schema_version",
				database),
	    "");
	ok(migrate(NULL));
	assert_int_equal(begun, 0);
	assert_complete();
	ok(schema_version(admin, env.pool, &is, &wanted, &env.err));
	assert_int_equal(is, last);
	db_admin_close(&admin);
}

static void
put_old_rows(void)
{
	sql("SET SESSION foreign_key_checks = 0;\n"
	    "INSERT INTO %s.repository (id, namespace_id, path, created) "
	    "SELECT UNHEX(LPAD(HEX(seq), 32, '0')), REPEAT('n', 16), "
	    "CONCAT('ns/a-', seq, '.x'), NOW() FROM seq_1_to_600;\n"
	    "INSERT INTO %s.tag (repository_id, name, manifest_id, created, "
	    "updated) SELECT REPEAT('r', 16), "
	    "CONCAT('sha256-', LPAD(seq, 64, '0')), REPEAT('m', 16), "
	    "NOW(), NOW() FROM seq_1_to_1500;\n"
	    "INSERT INTO %s.manifest (id, repository_id, algorithm, digest, "
	    "media_type, size, image_size, created, touched) SELECT "
	    "UNHEX(LPAD(HEX(seq), 32, '0')), UNHEX(LPAD(HEX(seq), 32, '0')), "
	    "0, REPEAT('d', 32), 'm', 1, 1, NOW(), NOW() FROM seq_1_to_500;\n"
	    "SET SESSION foreign_key_checks = 1;\n",
	    database, database, database);
}

/* As programs of an earlier version do it between a migration and their own
 * upgrade. */
static void
test_rows_of_older_programs(void **state UNUSED)
{
	ok(migrate(NULL));
	put_old_rows();
	/* one was half done when a run was killed */
	sql("INSERT INTO %s.repository_word SELECT 'x', id FROM %s.repository "
	    "WHERE path = 'ns/a-7.x'",
	    database, database);
	ok(migrate(env_socket("proxy")));
	assert_int_equal(begun, 0);
	/* "ns/a-1.x", "a-1.x", "1.x", "x" of each */
	assert_sql(2400, "SELECT COUNT(*) FROM %s.repository_word", database);
	assert_sql(600,
	    "SELECT COUNT(*) FROM %s.repository_word w JOIN %s.repository r "
	    "ON r.id = w.repository_id WHERE w.word = r.path",
	    database, database);
	assert_sql(600,
	    "SELECT COUNT(*) FROM %s.repository_word WHERE word = 'x'",
	    database);
	assert_sql(
	    0, "SELECT COUNT(*) FROM %s.tag WHERE attached = 0", database);
	assert_sql(500, "SELECT COUNT(*) FROM %s.repository WHERE listed = 1",
	    database);
	/* at most 1000 rows at once, and a last one that finds none */
	assert_int_equal(
	    proxy_count(proxy, "INSERT IGNORE INTO repository_w"), 4);
	assert_int_equal(proxy_count(proxy, "UPDATE tag"), 3);
	assert_complete();
}

static void
test_newer_database(void **state UNUSED)
{
	ok(migrate(NULL));
	sql("UPDATE %s.schema_version SET version = %d", database, last + 1);
	fails(migrate(NULL), E_CONFLICT);
	assert_non_null(strstr(env.err.text, "use a newer program"));
	sql("UPDATE %s.schema_version SET version = %d", database, last);
	assert_complete();
}

/*
 * Cut after so many commands, and once more, until all is done: each run
 * goes a little further, and is cut at another point of what it does for
 * each statement.
 */
static void
migrate_by_inches(unsigned commands, unsigned more, enum proxy_act act)
{
	unsigned runs = 0;
	int rc;

	do {
		proxy_rule_after(proxy, act, commands);
		rc = migrate(env_socket("proxy"));
		if (rc < 0)
			assert_int_equal(rc, E_BUSY);
		commands += more;
		runs++;
	} while (rc < 0);
	assert_true(runs > 20);
	assert_complete();
}

static void
test_killed_before_a_statement(void **state UNUSED)
{
	migrate_by_inches(0, 1, PROXY_CUT_BEFORE);
}

static void
test_killed_after_a_statement(void **state UNUSED)
{
	migrate_by_inches(0, 1, PROXY_CUT_AFTER);
}

static int
migrate_job(struct job *job)
{
	struct db_options options = options_of(job->arg);
	int rc;

	begun = 0;
	rc = schema_migrate(&options, job->pool, count_begun, &job->err);
	return rc < 0 ? rc : begun;
}

static void
test_server_killed(void **state UNUSED)
{
	char *address = pool_strdup(env.pool, env_socket("proxy"));
	struct job job;

	proxy_rule(proxy, PROXY_HOLD, "*TABLE IF NOT EXISTS blob_content");
	job_start(&job, migrate_job, NULL, address);
	proxy_wait_held(proxy);
	server_run("kill");
	proxy_release(proxy);
	job_fails(&job, E_BUSY);
	server_run("start");
	/* without a wait for the dead one's lease */
	ok(migrate(NULL));
	assert_int_equal(begun, migrations - 1);
	assert_complete();
}

static void
test_two_at_once(void **state UNUSED)
{
	struct job jobs[3];
	int count = 0;

	for (size_t i = 0; i < COUNT_OF(jobs); i++)
		job_start(&jobs[i], migrate_job, NULL, NULL);
	for (size_t i = 0; i < COUNT_OF(jobs); i++) {
		int rc = job_wait(&jobs[i]);

		if (rc < 0)
			env_check(rc, 0, &jobs[i].err, __FILE__, __LINE__);
		count += rc;
	}
	/* nothing was begun twice */
	assert_int_equal(count, migrations);
	assert_complete();
}

/* Until the one that waits has looked at the claim a few times. */
static void
wait_looks(struct proxy *p)
{
	unsigned before = proxy_count(p, "SELECT claimed_by");

	for (int i = 0; proxy_count(p, "SELECT claimed_by") < before + 2; i++) {
		if (i > 2000)
			fail_msg("nobody looks at the claim");
		time_sleep_us(10000);
	}
}

static void
test_long_statement(void **state UNUSED)
{
	struct proxy *second =
	    proxy_start(env_socket("second"), env.conf.db_hosts);
	char *address = pool_strdup(env.pool, env_socket("proxy"));
	char *other = pool_strdup(env.pool, env_socket("second"));
	struct job one, two;

	proxy_rule(proxy, PROXY_HOLD, "*TABLE IF NOT EXISTS blob_content");
	job_start(&one, migrate_job, NULL, address);
	proxy_wait_held(proxy);
	/* longer than its lease: it lives, so nobody comes in between */
	sql("UPDATE %s.schema_version SET claim_until = '1970-01-02'",
	    database);
	job_start(&two, migrate_job, NULL, other);
	wait_looks(second);
	assert_int_equal(proxy_count(second, "UPDATE"), 0);
	assert_sql(0,
	    "SELECT COUNT(*) FROM information_schema.TABLES "
	    "WHERE table_schema = '%s' AND table_name = 'blob_content'",
	    database);
	proxy_release(proxy);
	assert_int_equal(job_wait(&one), migrations);
	assert_int_equal(job_wait(&two), 0);
	assert_complete();
	proxy_stop(&second);
}

static void
test_claim_of_another_server(void **state UNUSED)
{
	char *address = pool_strdup(env.pool, env_socket("proxy"));
	struct job job;

	ok(migrate(NULL));
	sql("UPDATE %s.schema_version SET version = 0, step = 3, "
	    "claimed_by = 'elsewhere', "
	    "claim_until = UTC_TIMESTAMP(6) + INTERVAL 1 HOUR",
	    database);
	job_start(&job, migrate_job, NULL, address);
	wait_looks(proxy);
	assert_int_equal(proxy_count(proxy, "UPDATE"), 0);
	/* nothing is heard of it for a minute */
	sql("UPDATE %s.schema_version SET claim_until = UTC_TIMESTAMP(6)",
	    database);
	assert_int_equal(job_wait(&job), migrations - 1);
	assert_complete();
}

static void
test_conflicts_with_other_nodes(void **state UNUSED)
{
	static const char *const words[] = { "INSERT IGNORE", "UPDATE",
		"*TABLE IF NOT EXISTS account", "SELECT version",
		"SELECT claimed_by" };

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		proxy_answer(proxy, 1213, words[i], 2);
		ok(migrate(env_socket("proxy")));
		assert_true(proxy_is_used(proxy));
		assert_complete();
		sql("DROP DATABASE %s;\nCREATE DATABASE %s;\n", database,
		    database);
	}
}

static void
test_without_locks(void **state UNUSED)
{
	/* some clusters refuse them */
	proxy_answer(proxy, 1235, "SELECT GET_LOCK", 1);
	ok(migrate(env_socket("proxy")));
	assert_int_equal(proxy_count(proxy, "*IS_FREE_LOCK"), 0);
	assert_complete();
}

static void
test_statement_that_is_refused(void **state UNUSED)
{
	/* somebody's table of another shape is in the way */
	sql("CREATE TABLE %s.account (id INT PRIMARY KEY)", database);
	fails(migrate(NULL), E_INTERNAL);
	assert_non_null(strstr(env.err.text, "migration 1 (initial)"));
	sql("DROP TABLE %s.account;\n"
	    "UPDATE %s.schema_version SET step = 0;\n",
	    database, database);
	ok(migrate(NULL));
	assert_complete();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(test_migrate),
	TEST(test_rows_of_older_programs),
	TEST(test_newer_database),
	TEST(test_killed_before_a_statement),
	TEST(test_killed_after_a_statement),
	TEST(test_server_killed),
	TEST(test_two_at_once),
	TEST(test_long_statement),
	TEST(test_claim_of_another_server),
	TEST(test_conflicts_with_other_nodes),
	TEST(test_without_locks),
	TEST(test_statement_that_is_refused),
};

UNIT_MAIN(tests)
