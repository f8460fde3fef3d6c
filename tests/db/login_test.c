/* Access tokens and login delays. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/model/access_token.h"
#include "common/model/login_delay.h"
#include "tests/db/rows.h"
#include "tests/db/slow.h"

static int
setup(void **state)
{
	slow_setup(state, "owner");
	return 0;
}

static int
find(const char *name, struct account *out)
{
	return account_find(env.garant, env.pool, name, out, &env.err);
}

static int
set_flags(const struct account *account, bool is_admin, bool is_active)
{
	struct account_change change = { .is_admin = &is_admin,
		.is_active = &is_active };

	return account_set_flags(env.owner, &account->id, &change, &env.err);
}

static const char *
make_token(const struct account *account)
{
	const char *secret;

	ok(access_token_create(
	    env.garant, env.pool, &account->id, "label", &secret, &env.err));
	assert_true(access_token_is_secret(secret));
	return secret;
}

/* of a login by this password hash or access token */
static const char *
make_refresh(
    const struct account *account, const char *basis, const char *service)
{
	struct access_token_basis digest = access_token_basis_of(basis);
	const char *secret;

	ok(access_token_create_refresh(env.garant, env.pool, &account->id,
	    service, &digest, &secret, &env.err));
	assert_true(access_token_is_secret(secret));
	return secret;
}

static int
check(const char *secret, enum access_token_kind kind, const char *service)
{
	struct account account;

	return access_token_check(
	    env.garant, env.pool, secret, kind, service, &account, &env.err);
}

static void
test_token(void **state UNUSED)
{
	struct account owner = make_account(ACCOUNT_USER, false);
	const char *secret = make_token(&owner);
	struct account found;

	ok(access_token_check(env.garant, env.pool, secret, ACCESS_TOKEN_MANUAL,
	    "", &found, &env.err));
	assert_true(rand_id_equal(&found.id, &owner.id));
	/* only its digest is kept */
	assert_sql(0,
	    "SELECT COUNT(*) FROM access_token WHERE secret_digest = '%s' "
	    "OR label = '%s'",
	    secret, secret);
	fails(check(pool_printf(env.pool, "%sx", secret), ACCESS_TOKEN_MANUAL,
		  ""),
	    E_UNAUTH);
	fails(check(secret, ACCESS_TOKEN_REFRESH, ""), E_UNAUTH);
	sql("UPDATE access_token SET is_active = 0 WHERE account_id = %s",
	    sql_id(&owner.id));
	fails(check(secret, ACCESS_TOKEN_MANUAL, ""), E_UNAUTH);
}

static void
test_token_of_an_inactive_account(void **state UNUSED)
{
	struct account owner = make_account(ACCOUNT_USER, false);
	const char *secret = make_token(&owner);

	ok(set_flags(&owner, false, false));
	fails(check(secret, ACCESS_TOKEN_MANUAL, ""), E_UNAUTH);
	ok(set_flags(&owner, false, true));
	ok(check(secret, ACCESS_TOKEN_MANUAL, ""));
}

static void
test_refresh_token_serves_one_service(void **state UNUSED)
{
	struct account owner = make_account(ACCOUNT_USER, false);
	const char *secret = make_refresh(&owner, "!", "a:1");

	ok(check(secret, ACCESS_TOKEN_REFRESH, "a:1"));
	fails(check(secret, ACCESS_TOKEN_REFRESH, "a:2"), E_UNAUTH);
	fails(check(secret, ACCESS_TOKEN_REFRESH, ""), E_UNAUTH);
	fails(check(secret, ACCESS_TOKEN_MANUAL, "a:1"), E_UNAUTH);
}

static void
test_new_password_ends_refresh_tokens(void **state UNUSED)
{
	struct account owner = make_account(ACCOUNT_USER, false);
	const char *refresh = make_refresh(&owner, "!", "a");
	const char *manual = make_token(&owner);
	struct account found;

	ok(account_set_password(env.owner, &owner.id, "!2", &env.err));
	ok(find(owner.name, &found));
	assert_string_equal(found.password_hash, "!2");
	fails(check(refresh, ACCESS_TOKEN_REFRESH, "a"), E_UNAUTH);
	ok(check(manual, ACCESS_TOKEN_MANUAL, ""));
}

static void
test_refresh_token_of_a_login_before_the_change(void **state UNUSED)
{
	struct account owner = make_account(ACCOUNT_USER, false);
	const char *late;

	/* his old password was right when it was looked at, and the token is
	 * made when it is not any more */
	ok(account_set_password(env.owner, &owner.id, "!2", &env.err));
	late = make_refresh(&owner, "!", "a");
	fails(check(late, ACCESS_TOKEN_REFRESH, "a"), E_UNAUTH);
	ok(check(make_refresh(&owner, "!2", "a"), ACCESS_TOKEN_REFRESH, "a"));
}

static void
test_refresh_token_of_an_access_token(void **state UNUSED)
{
	struct account owner = make_account(ACCOUNT_USER, false);
	const char *manual = make_token(&owner);
	const char *refresh = make_refresh(&owner, manual, "a");
	const char *other = make_refresh(&owner, make_token(&owner), "a");

	ok(check(refresh, ACCESS_TOKEN_REFRESH, "a"));
	sql("UPDATE access_token SET is_active = 0 WHERE secret_digest = "
	    "UNHEX(SHA2('%s', 256))",
	    manual);
	fails(check(refresh, ACCESS_TOKEN_REFRESH, "a"), E_UNAUTH);
	ok(check(other, ACCESS_TOKEN_REFRESH, "a"));
	/* a refresh token is nothing to rest on */
	fails(
	    check(make_refresh(&owner, other, "a"), ACCESS_TOKEN_REFRESH, "a"),
	    E_UNAUTH);
}

static void
test_refresh_token_without_a_password(void **state UNUSED)
{
	struct account owner = make_account(ACCOUNT_USER, false);
	const char *refresh = make_refresh(&owner, "!", "a");

	sql("DELETE FROM account_password WHERE account_id = %s",
	    sql_id(&owner.id));
	fails(check(refresh, ACCESS_TOKEN_REFRESH, "a"), E_UNAUTH);
}

static void
test_last_use_is_written_now_and_then(void **state UNUSED)
{
	struct account owner = make_account(ACCOUNT_USER, false);
	const char *secret = make_token(&owner);
	struct account found;

	ok(check(secret, ACCESS_TOKEN_MANUAL, ""));
	assert_sql(1,
	    "SELECT COUNT(*) FROM access_token WHERE account_id = %s "
	    "AND last_used > UTC_TIMESTAMP(6) - INTERVAL 1 MINUTE",
	    sql_id(&owner.id));
	/* a login writes nothing when it is known to be in use */
	ok(access_token_check(
	    slow, env.pool, secret, ACCESS_TOKEN_MANUAL, "", &found, &env.err));
	assert_int_equal(proxy_count(proxy, "START TRANSACTION"), 0);
	sql("UPDATE access_token SET last_used = last_used - "
	    "INTERVAL 10 MINUTE WHERE account_id = %s",
	    sql_id(&owner.id));
	ok(check(secret, ACCESS_TOKEN_MANUAL, ""));
	assert_sql(1,
	    "SELECT COUNT(*) FROM access_token WHERE account_id = %s "
	    "AND last_used > UTC_TIMESTAMP(6) - INTERVAL 1 MINUTE",
	    sql_id(&owner.id));
}

static void
test_old_refresh_tokens_go(void **state UNUSED)
{
	struct account owner = make_account(ACCOUNT_USER, false);
	const char *old = make_refresh(&owner, "!", "a");

	make_token(&owner);
	sql("UPDATE access_token SET created = created - INTERVAL 91 DAY "
	    "WHERE account_id = %s",
	    sql_id(&owner.id));
	fails(check(old, ACCESS_TOKEN_REFRESH, "a"), E_UNAUTH);
	make_refresh(&owner, "!", "a");
	assert_sql(1,
	    "SELECT COUNT(*) FROM access_token WHERE account_id = %s "
	    "AND kind = 2",
	    sql_id(&owner.id));
	assert_sql(1,
	    "SELECT COUNT(*) FROM access_token WHERE account_id = %s "
	    "AND kind = 1",
	    sql_id(&owner.id));
}

/* a computer that logged in long ago and pulls each night */
static void
test_refresh_tokens_in_use_stay(void **state UNUSED)
{
	struct account owner = make_account(ACCOUNT_USER, false);
	const char *used = make_refresh(&owner, "!", "a");

	ok(check(used, ACCESS_TOKEN_REFRESH, "a"));
	sql("UPDATE access_token SET created = created - INTERVAL 400 DAY, "
	    "last_used = last_used - INTERVAL 89 DAY WHERE account_id = %s",
	    sql_id(&owner.id));
	make_refresh(&owner, "!", "a");
	ok(check(used, ACCESS_TOKEN_REFRESH, "a"));
	sql("UPDATE access_token SET last_used = last_used - INTERVAL 91 DAY "
	    "WHERE account_id = %s",
	    sql_id(&owner.id));
	fails(check(used, ACCESS_TOKEN_REFRESH, "a"), E_UNAUTH);
}

#define LOGINS 25

static int
log_in_job(struct job *job)
{
	struct access_token_basis basis = access_token_basis_of("!");
	const struct account *account = job->arg;
	const char *secret;
	int rc = 0;

	for (int i = 0; rc == 0 && i < LOGINS; i++)
		rc = access_token_create_refresh(job->db, job->pool,
		    &account->id, "a", &basis, &secret, &job->err);
	return rc;
}

static void
test_logins_of_a_busy_account_at_once(void **state UNUSED)
{
	struct account robot = make_account(ACCOUNT_USER, false);
	struct job jobs[4];
	int64_t deadlocks, reads;

	sql("INSERT INTO access_token (id, account_id, kind, secret_digest, "
	    "created) SELECT UNHEX(MD5(CONCAT('r', seq))), %s, 2, "
	    "UNHEX(SHA2(CONCAT('r', seq), 256)), "
	    "UTC_TIMESTAMP(6) - INTERVAL seq MINUTE FROM seq_1_to_5000",
	    sql_id(&robot.id));
	deadlocks = server_count("INNODB_DEADLOCKS");
	reads = server_count("HANDLER_READ_NEXT");
	for (size_t i = 0; i < COUNT_OF(jobs); i++)
		job_start(&jobs[i], log_in_job, env.garant, &robot);
	for (size_t i = 0; i < COUNT_OF(jobs); i++)
		job_ok(&jobs[i]);
	assert_int_equal(server_count("INNODB_DEADLOCKS"), deadlocks);
	/* its tokens of these days are nobody's business */
	assert_true(server_count("HANDLER_READ_NEXT") - reads < 5000);
}

static void
test_token_with_a_lost_commit(void **state UNUSED)
{
	struct access_token_basis basis = access_token_basis_of("!");
	struct account owner = make_account(ACCOUNT_USER, false);
	const char *secret;

	proxy_rule(proxy, PROXY_CUT_AFTER, "COMMIT");
	ok(access_token_create_refresh(
	    slow, env.pool, &owner.id, "a", &basis, &secret, &env.err));
	ok(check(secret, ACCESS_TOKEN_REFRESH, "a"));
	assert_sql(1, "SELECT COUNT(*) FROM access_token WHERE account_id = %s",
	    sql_id(&owner.id));
}

static void
test_what_looks_like_a_token(void **state UNUSED)
{
	assert_false(access_token_is_secret(""));
	assert_false(access_token_is_secret("dtr_at_"));
	assert_false(access_token_is_secret("password"));
	assert_true(access_token_is_secret(
	    "dtr_at_0123456789012345678901234567890123456789012"));
	assert_true(access_token_is_secret(
	    "dtr_rt_0123456789012345678901234567890123456789012"));
	assert_false(access_token_is_secret(
	    "dtr_xt_0123456789012345678901234567890123456789012"));
}

/* --- login delays */

static int64_t
wait_of(const char *name, const char *address)
{
	int64_t wait_us;

	ok(login_delay_get(
	    env.garant, env.pool, name, address, &wait_us, &env.err));
	return wait_us;
}

static void
fail_login(const char *name, const char *address)
{
	ok(login_delay_fail(env.garant, name, address, &env.err));
}

static void
test_delays_grow(void **state UNUSED)
{
	static const int64_t seconds[] = { 0, 0, 0, 1, 2, 4, 8, 16, 30, 30,
		30 };
	const char *name = unique("n");

	assert_int_equal(wait_of(name, "10.0.0.1"), 0);
	for (size_t i = 0; i < COUNT_OF(seconds); i++) {
		int64_t wait_us;

		fail_login(name, "10.0.0.1");
		/* by the row's own times: no matter how slow this runs */
		wait_us = sql_int("SELECT TIMESTAMPDIFF(MICROSECOND, touched, "
				  "blocked_until) FROM login_delay "
				  "ORDER BY touched DESC LIMIT 1");
		assert_int_equal(wait_us, seconds[i] * 1000000);
	}
	assert_in_range(wait_of(name, "10.0.0.1"), 1, 30000000);
}

static void
test_delays_are_for_one_pair(void **state UNUSED)
{
	const char *name = unique("n");

	for (int i = 0; i < 10; i++)
		fail_login(name, "10.0.0.1");
	assert_true(wait_of(name, "10.0.0.1") > 0);
	assert_int_equal(wait_of(name, "10.0.0.2"), 0);
	assert_int_equal(wait_of(unique("n"), "10.0.0.1"), 0);
	/* and the end of the name is known */
	assert_int_equal(
	    wait_of(pool_printf(env.pool, "%s1", name), "0.0.0.1"), 0);
}

static void
test_good_login_forgets(void **state UNUSED)
{
	const char *name = unique("n");

	for (int i = 0; i < 10; i++)
		fail_login(name, "a");
	ok(login_delay_clear(env.garant, name, "a", &env.err));
	assert_int_equal(wait_of(name, "a"), 0);
	for (int i = 0; i < 3; i++)
		fail_login(name, "a");
	assert_int_equal(wait_of(name, "a"), 0);
}

static void
test_failures_are_forgotten_after_a_while(void **state UNUSED)
{
	const char *name = unique("n");

	for (int i = 0; i < 10; i++)
		fail_login(name, "a");
	sql("UPDATE login_delay SET touched = touched - INTERVAL 16 MINUTE, "
	    "blocked_until = blocked_until - INTERVAL 16 MINUTE");
	assert_int_equal(wait_of(name, "a"), 0);
	fail_login(name, "a");
	assert_int_equal(wait_of(name, "a"), 0);
}

static void
test_purge_of_delays(void **state UNUSED)
{
	const char *name = unique("n");

	bool more;

	sql("INSERT INTO login_delay SELECT UNHEX(SHA2(seq, 256)), 1, "
	    "UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) FROM seq_1_to_1001");
	sql("UPDATE login_delay SET touched = touched - INTERVAL 61 MINUTE");
	fail_login(name, "new");
	ok(login_delay_purge(env.garant, &more, &env.err));
	assert_true(more);
	ok(login_delay_purge(env.garant, &more, &env.err));
	assert_false(more);
	assert_sql(1, "SELECT COUNT(*) FROM login_delay");
}

static void
test_names_of_any_bytes(void **state UNUSED)
{
	char name[5000];

	memset(name, 0xff, sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	fail_login(name, "a");
	assert_int_equal(wait_of(name, "a"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, slow_teardown)

static const struct CMUnitTest tests[] = {
	TEST(test_token),
	TEST(test_token_of_an_inactive_account),
	TEST(test_refresh_token_serves_one_service),
	TEST(test_new_password_ends_refresh_tokens),
	TEST(test_refresh_token_of_a_login_before_the_change),
	TEST(test_refresh_token_of_an_access_token),
	TEST(test_refresh_token_without_a_password),
	TEST(test_last_use_is_written_now_and_then),
	TEST(test_old_refresh_tokens_go),
	TEST(test_refresh_tokens_in_use_stay),
	TEST(test_logins_of_a_busy_account_at_once),
	TEST(test_token_with_a_lost_commit),
	TEST(test_what_looks_like_a_token),
	TEST(test_delays_grow),
	TEST(test_delays_are_for_one_pair),
	TEST(test_good_login_forgets),
	TEST(test_failures_are_forgotten_after_a_while),
	TEST(test_purge_of_delays),
	TEST(test_names_of_any_bytes),
};

UNIT_MAIN(tests)
