/*
 * What the programs of tests/db share: connections to a private MariaDB that
 * `dtr init` has set up, questions in SQL, and rows to work on. Started by
 * tests/live/db_test.py, which says by environment where all that is:
 *
 *	DTR_TEST_CONF	configuration file of dtr init
 *	DTR_TEST_SUPER	superuser of the database
 *	DTR_TEST_SERVER	tests/lib/mariadb.sh, DTR_TEST_DIR its folder
 */
#ifndef TESTS_DB_ENV_H
#define TESTS_DB_ENV_H

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/rand.h"
#include "common/conf/conf.h"
#include "common/model/model.h"
#include "common/model/q.h"

/* Made anew for each test. */
struct env {
	struct pool *pool;
	struct err err;
	struct conf conf;
	struct db_admin *admin; /* superuser, in the database of conf */
	struct db *registry; /* as the programs have them */
	struct db *garant;
	struct db *owner; /* the dtr command */
};
extern struct env env;

int env_setup(void **state);
/* Fails the test that left rows which gc-protocol's invariants forbid. */
int env_teardown(void **state);

#define ENV_TEST(name) \
	cmocka_unit_test_setup_teardown(name, env_setup, env_teardown)

/* Fails the test with err's texts unless rc is 0 or the code wanted. */
#define ok(rc) env_check((rc), 0, &env.err, __FILE__, __LINE__)
#define fails(rc, wanted) \
	do { \
		int rc_ = (rc); \
		env_check(rc_, (wanted), &env.err, __FILE__, __LINE__); \
		env_check(env.err.code, (wanted), &env.err, __FILE__, __LINE__); \
	} while (0)
void env_check(
    int rc, int wanted, const struct err *err, const char *file, int line);
void assert_reason(const char *reason);

/* Options of a role with these hosts; to be freed by the test. */
struct db_options env_options(const char *role, const char *hosts);
struct db *env_db(const char *role, const char *hosts);
/* "unix:" and a name for a socket of the test's own */
const char *env_socket(const char *name);

/* The superuser's words; they fail the test when they fail. */
void sql(const char *format, ...) PRINTF_LIKE(1, 2);
int64_t sql_int(const char *format, ...) PRINTF_LIKE(1, 2);
const char *sql_text(const char *format, ...) PRINTF_LIKE(1, 2);
/* An id as SQL: X'..' */
const char *sql_id(const struct rand_id *id);
const char *sql_bytes(const void *p, size_t n);
#define assert_sql(number, ...) assert_int_equal(sql_int(__VA_ARGS__), number)

/* A counter of SHOW GLOBAL STATUS. */
int64_t server_count(const char *name);

/* Waits until the question's answer is the number, at most 20 s. */
void wait_sql(int64_t number, const char *question);
/* Waits until a transaction waits for a lock. */
void wait_lock(void);

/* "start", "stop" or "kill" the server; the admin connection is renewed. */
void server_run(const char *verb);

/* A name that no other test has. */
const char *unique(const char *prefix);

#endif
