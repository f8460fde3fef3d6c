/*
 * Rights in the database: each program's user may run its own statements,
 * needs every right that it has, and has no other.
 */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/model/schema.h"
#include "tests/db/env.h"

#define DENIED_TABLE  1142
#define DENIED_COLUMN 1143

static const struct {
	const char *name;
	unsigned bit;
} roles[] = {
	{ "registry", Q_ROLE_REGISTRY },
	{ "garant", Q_ROLE_GARANT },
	{ "api", Q_ROLE_API },
	{ "notary", Q_ROLE_NOTARY },
	{ "signer", Q_ROLE_SIGNER },
	{ "jobs", Q_ROLE_JOBS },
};

static unsigned
bit_of(const char *role)
{
	for (size_t i = 0; i < COUNT_OF(roles); i++)
		if (strcmp(roles[i].name, role) == 0)
			return roles[i].bit;
	fail_msg("role \"%s\" is not known here", role);
	return 0;
}

static const char *
user_of(const char *role)
{
	return pool_printf(env.pool, "%s_%s@localhost", env.conf.db_name, role);
}

static struct db_admin *
open_as(const char *role)
{
	struct db_options options = env_options(role, NULL);
	struct db_admin *admin;

	ok(db_admin_open(&admin, &options, &env.err));
	return admin;
}

/* The server's error number when the user prepares the statement, or 0. */
static unsigned
prepare(struct db_admin *admin, unsigned stmt)
{
	const char *text = pool_printf(env.pool, "PREPARE s FROM %s",
	    db_admin_quote(admin, env.pool, q_stmts[stmt].text));

	return db_admin_run(admin, text, &env.err) == 0 ? 0
							: db_admin_errno(admin);
}

static bool
is_denied(unsigned number)
{
	return number == DENIED_TABLE || number == DENIED_COLUMN;
}

static void
test_every_statement_prepares(void **state UNUSED)
{
	for (size_t i = 0; i < schema_role_count; i++) {
		struct db_admin *admin = open_as(schema_roles[i]);

		for (unsigned s = 0; s < Q_COUNT; s++)
			if ((q_stmt_roles[s] & bit_of(schema_roles[i])) != 0 &&
			    prepare(admin, s) != 0)
				fail_msg("%s: %s: %s", schema_roles[i],
				    q_stmts[s].name, env.err.text);
		db_admin_close(&admin);
	}
}

static void
test_every_statement_has_a_program(void **state UNUSED)
{
	for (unsigned s = 0; s < Q_COUNT; s++)
		if (q_stmt_roles[s] == 0)
			fail_msg("nobody uses %s", q_stmts[s].name);
}

/* what the server itself says is told to everybody */
static bool
asks_no_table(unsigned s)
{
	return strncmp(q_stmts[s].text, "SELECT @@", 9) == 0;
}

static void
test_nobody_may_anything(void **state UNUSED)
{
	struct db_options options = env_options("registry", NULL);
	struct db_admin *admin;

	sql("CREATE USER dtr_nobody@localhost IDENTIFIED BY 'x'");
	options.user = "dtr_nobody";
	options.password = "x";
	/* without a right on it the database itself is not to be seen */
	fails(db_admin_open(&admin, &options, &env.err), E_DENIED);
	sql("GRANT CREATE TEMPORARY TABLES ON %s.* TO dtr_nobody@localhost",
	    env.conf.db_name);
	ok(db_admin_open(&admin, &options, &env.err));
	for (unsigned s = 0; s < Q_COUNT; s++)
		if (!asks_no_table(s) && !is_denied(prepare(admin, s)))
			fail_msg("%s is not refused", q_stmts[s].name);
	db_admin_close(&admin);
	sql("DROP USER dtr_nobody@localhost");
}

/* What is refused to the one is nothing that the other could do by chance. */
static void
test_secrets_are_kept_apart(void **state UNUSED)
{
	static const struct {
		const char *role;
		const char *table;
	} cases[] = {
		{ "registry", "account_password" },
		{ "registry", "token_key" },
		{ "registry", "access_token" },
		{ "registry", "login_delay" },
		{ "garant", "manifest" },
		{ "garant", "manifest_payload" },
		{ "garant", "blob_content" },
		{ "garant", "repo_blob" },
		{ "garant", "upload" },
		{ "garant", "object" },
		{ "garant", "tag" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct db_admin *admin = open_as(cases[i].role);
		const char *value;

		fails(db_admin_ask(admin, env.pool,
			  pool_printf(env.pool, "SELECT COUNT(*) FROM %s",
			      cases[i].table),
			  &value, &env.err),
		    E_INTERNAL);
		assert_int_equal(db_admin_errno(admin), DENIED_TABLE);
		db_admin_close(&admin);
	}
}

static void
test_statements_of_others_are_refused(void **state UNUSED)
{
	unsigned refused = 0;

	for (size_t i = 0; i < schema_role_count; i++) {
		struct db_admin *admin = open_as(schema_roles[i]);

		for (unsigned s = 0; s < Q_COUNT; s++)
			if ((q_stmt_roles[s] & bit_of(schema_roles[i])) == 0)
				refused += is_denied(prepare(admin, s));
		db_admin_close(&admin);
	}
	/* some may be run by whoever has rights for others of his own */
	assert_true(refused > Q_COUNT / 2);
}

static void
test_no_rights_on_the_whole(void **state UNUSED)
{
	static const char *const texts[] = {
		"CREATE TABLE own (id INT PRIMARY KEY)",
		"DROP TABLE setting",
		"ALTER TABLE setting ADD COLUMN more INT",
		"TRUNCATE TABLE setting",
		"CREATE INDEX more ON setting (version)",
		"GRANT SELECT ON setting TO CURRENT_USER()",
		"CREATE USER x@localhost",
		"SELECT User FROM mysql.user",
		"SELECT version FROM schema_version",
		"SELECT 1 INTO OUTFILE '/tmp/dtr-grant-test'",
		"SET GLOBAL max_connections = 10",
		"LOCK TABLES setting WRITE",
	};

	for (size_t i = 0; i < schema_role_count; i++) {
		struct db_admin *admin = open_as(schema_roles[i]);

		for (size_t k = 0; k < COUNT_OF(texts); k++)
			if (db_admin_run(admin, texts[k], &env.err) == 0)
				fail_msg(
				    "%s may: %s", schema_roles[i], texts[k]);
		db_admin_close(&admin);
	}
}

/* Does a statement of the role miss the right? */
static bool
is_needed(const char *role, struct db_admin *admin)
{
	for (unsigned s = 0; s < Q_COUNT; s++)
		if ((q_stmt_roles[s] & bit_of(role)) != 0 &&
		    is_denied(prepare(admin, s)))
			return true;
	return false;
}

static void
check_grant(const struct q_grant *grant, struct db_admin *admin)
{
	char *list = pool_strdup(env.pool, grant->privileges);

	while (*list != '\0') {
		size_t n = strcspn(list, ",");
		const char *right = pool_memdup(env.pool, list, n);

		sql("REVOKE %s ON %s.%s FROM %s", right, env.conf.db_name,
		    grant->table, user_of(grant->role));
		if (!is_needed(grant->role, admin))
			fail_msg("%s does not need %s on %s", grant->role,
			    right, grant->table);
		sql("GRANT %s ON %s.%s TO %s", right, env.conf.db_name,
		    grant->table, user_of(grant->role));
		list += n + strspn(list + n, ", ");
	}
}

static void
test_every_right_is_needed(void **state UNUSED)
{
	for (size_t i = 0; i < schema_role_count; i++) {
		struct db_admin *admin = open_as(schema_roles[i]);

		for (size_t k = 0; k < Q_GRANT_COUNT; k++)
			if (strcmp(q_grants[k].role, schema_roles[i]) == 0)
				check_grant(&q_grants[k], admin);
		db_admin_close(&admin);
	}
}

static void
test_no_other_rights(void **state UNUSED)
{
	int64_t wanted = 0;

	for (size_t k = 0; k < Q_GRANT_COUNT; k++)
		for (const char *p = q_grants[k].privileges; p != NULL;
		     p = strchr(p + 1, ','))
			for (size_t i = 0; i < schema_role_count; i++)
				wanted += strcmp(q_grants[k].role,
					      schema_roles[i]) == 0;
	/* all of them are needed, so when their number is right they are */
	assert_sql(wanted,
	    "SELECT COUNT(*) FROM information_schema.TABLE_PRIVILEGES "
	    "WHERE grantee LIKE '\\'%s\\_%%' AND table_schema = '%s'",
	    env.conf.db_name, env.conf.db_name);
	assert_sql(0,
	    "SELECT COUNT(*) FROM information_schema.SCHEMA_PRIVILEGES "
	    "WHERE grantee LIKE '\\'%s\\_%%' AND grantee NOT LIKE '%%_owner%%'",
	    env.conf.db_name);
	assert_sql(0,
	    "SELECT COUNT(*) FROM information_schema.USER_PRIVILEGES "
	    "WHERE grantee LIKE '\\'%s\\_%%' AND privilege_type <> 'USAGE'",
	    env.conf.db_name);
}

static const struct CMUnitTest tests[] = {
	ENV_TEST(test_every_statement_prepares),
	ENV_TEST(test_every_statement_has_a_program),
	ENV_TEST(test_nobody_may_anything),
	ENV_TEST(test_secrets_are_kept_apart),
	ENV_TEST(test_statements_of_others_are_refused),
	ENV_TEST(test_no_rights_on_the_whole),
	ENV_TEST(test_every_right_is_needed),
	ENV_TEST(test_no_other_rights),
};

UNIT_MAIN(tests)
