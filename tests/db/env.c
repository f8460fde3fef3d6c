#include "common/base/base.h"
#include "tests/db/env.h"

#include <spawn.h>
#include <sys/wait.h>

#include "common/base/enc.h"
#include "common/base/num.h"
#include "common/base/time.h"
#include "tests/db/invariants.h"
#include "tests/unit/unit.h"

#define POOL_SIZE ((size_t)256 << 20)
#define WAIT_US   (20 * TIME_SECOND)


struct env env;

static const char *
variable(const char *name)
{
	const char *value = getenv(name);

	if (value == NULL) {
		fprintf(
		    stderr, "%s is not set; run tests/live/db_test.py\n", name);
		exit(1);
	}
	return value;
}

void
env_check(int rc, int wanted, const struct err *err, const char *file, int line)
{
	if (rc == wanted)
		return;
	print_error("%s:%d: got %d, wanted %d: %s (%s)\n", file, line, rc,
	    wanted, err->text, err->cause);
	_fail(file, line);
}

void
assert_reason(const char *reason)
{
	assert_non_null(env.err.reason);
	assert_string_equal(env.err.reason, reason);
}

struct db_options
env_options(const char *role, const char *hosts)
{
	struct db_options options;

	ok(model_options(&env.conf, env.pool, role, &options, &env.err));
	if (hosts != NULL)
		options.hosts = hosts;
	return options;
}

struct db *
env_db(const char *role, const char *hosts)
{
	struct db_options options = env_options(role, hosts);

	return db_new(&options);
}

const char *
env_socket(const char *name)
{
	return pool_printf(
	    env.pool, "unix:%s/%s.sock", variable("DTR_TEST_DIR"), name);
}

static void
open_admin(void)
{
	struct db_options options = {
		.hosts = env.conf.db_hosts,
		.database = env.conf.db_name,
		.user = variable("DTR_TEST_SUPER"),
		.connections = 1,
		.wait_ms = 10000,
	};

	ok(db_admin_open(&env.admin, &options, &env.err));
}

int
env_setup(void **state UNUSED)
{
	memset(&env, 0, sizeof(env));
	env.pool = pool_new(POOL_SIZE);
	ok(conf_load(&env.conf, env.pool, variable("DTR_TEST_CONF"), &env.err));
	open_admin();
	env.registry = env_db("registry", NULL);
	env.garant = env_db("garant", NULL);
	env.owner = env_db("owner", NULL);
	return 0;
}

int
env_teardown(void **state UNUSED)
{
	db_free(&env.registry);
	db_free(&env.garant);
	db_free(&env.owner);
	invariants_check();
	db_admin_close(&env.admin);
	pool_free(&env.pool);
	return 0;
}

static const char *
ask(const char *text)
{
	const char *value;

	if (db_admin_ask(env.admin, env.pool, text, &value, &env.err) < 0)
		fail_msg("%s: %s", text, env.err.text);
	return value;
}

#define FORMAT(text, format) \
	do { \
		va_list args_; \
		va_start(args_, format); \
		text = pool_vprintf(env.pool, format, args_); \
		va_end(args_); \
	} while (0)

void
sql(const char *format, ...)
{
	const char *text;

	FORMAT(text, format);
	if (db_admin_run(env.admin, text, &env.err) < 0)
		fail_msg("%s: %s", text, env.err.text);
}

static int64_t
number_of(const char *value, const char *text)
{
	int64_t number = 0;

	if (value == NULL || !num_parse_range(value, 0, INT64_MAX, &number))
		fail_msg("%s: \"%s\"", text, value != NULL ? value : "NULL");
	return number;
}

int64_t
sql_int(const char *format, ...)
{
	const char *text;

	FORMAT(text, format);
	return number_of(ask(text), text);
}

const char *
sql_text(const char *format, ...)
{
	const char *text;

	FORMAT(text, format);
	return ask(text);
}

const char *
sql_bytes(const void *p, size_t n)
{
	char *hex = pool_alloc(env.pool, ENC_HEX_SIZE(n));

	enc_put_hex(hex, p, n);
	return pool_printf(env.pool, "X'%s'", hex);
}

const char *
sql_id(const struct rand_id *id)
{
	return sql_bytes(id->bytes, sizeof(id->bytes));
}

int64_t
server_count(const char *name)
{
	return sql_int("SELECT CAST(VARIABLE_VALUE AS INT) "
		       "FROM information_schema.GLOBAL_STATUS "
		       "WHERE VARIABLE_NAME = '%s'",
	    name);
}

void
wait_sql(int64_t number, const char *question)
{
	int64_t until = time_monotonic_us() + WAIT_US;

	while (number_of(ask(question), question) != number) {
		if (time_monotonic_us() > until)
			fail_msg("waited too long for %s", question);
		time_sleep_us(2000);
	}
}

void
wait_lock(void)
{
	wait_sql(1,
	    "SELECT VARIABLE_VALUE > 0 FROM information_schema.GLOBAL_STATUS "
	    "WHERE VARIABLE_NAME = 'INNODB_ROW_LOCK_CURRENT_WAITS'");
}

void
server_run(const char *verb)
{
	char *const words[] = { pool_strdup(
				    env.pool, variable("DTR_TEST_SERVER")),
		pool_strdup(env.pool, verb),
		pool_strdup(env.pool, variable("DTR_TEST_DIR")), NULL };
	pid_t pid;
	int status;

	assert_int_equal(
	    posix_spawn(&pid, words[0], NULL, NULL, words, environ), 0);
	while (waitpid(pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	db_admin_close(&env.admin);
	if (strcmp(verb, "start") == 0)
		open_admin();
}

const char *
unique(const char *prefix)
{
	static unsigned count;

	return pool_printf(
	    env.pool, "%s-%d-%u", prefix, (int)getpid(), ++count);
}
