/* Keys that sign tokens, and settings that all replicas share. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/crypt/key.h"
#include "common/model/setting.h"
#include "common/model/token_key.h"
#include "tests/db/rows.h"
#include "tests/db/slow.h"

static const unsigned char *cluster_key;

static int
setup(void **state)
{
	slow_setup(state, "owner");
	ok(token_key_cluster_key(&env.conf, env.pool, &cluster_key, &env.err));
	sql("DELETE FROM token_key;\n"
	    "DELETE FROM token_certificate;\n"
	    "DELETE FROM setting;\n");
	return 0;
}

/* The next program finds a key, as dtr init has left it. */
static int
teardown(void **state)
{
	const char *kid;

	ok(token_key_create(
	    env.owner, env.pool, cluster_key, 0, 0, &kid, &env.err));
	sql("DELETE FROM setting");
	return slow_teardown(state);
}

/* --- keys */

static const char *
rotate(int64_t delay_s, int64_t overlap_s)
{
	const char *kid;

	ok(token_key_create(env.owner, env.pool, cluster_key, delay_s,
	    overlap_s, &kid, &env.err));
	return kid;
}

/* as if it had been so long ago */
static void
pass(int seconds)
{
	sql("UPDATE token_key SET created = created - INTERVAL %d SECOND, "
	    "sign_from = sign_from - INTERVAL %d SECOND;\n"
	    "UPDATE token_certificate SET "
	    "created = created - INTERVAL %d SECOND, "
	    "verify_until = verify_until - INTERVAL %d SECOND;\n",
	    seconds, seconds, seconds, seconds);
}

static const char *
signing(void)
{
	struct token_key found;
	struct key *key = NULL;

	ok(token_key_signing(
	    env.garant, env.pool, cluster_key, &found, &key, &env.err));
	key_free(&key);
	return found.kid;
}

static bool
verifies(const char *kid)
{
	struct token_key *keys;
	size_t count;

	/* the registry reads them, and no private part */
	ok(token_key_list(env.registry, env.pool, &keys, &count, &env.err));
	for (size_t i = 0; i < count; i++)
		if (strcmp(keys[i].kid, kid) == 0)
			return true;
	return false;
}

static void
test_no_key(void **state UNUSED)
{
	struct token_key found;
	struct key *key = NULL;

	fails(token_key_signing(
		  env.garant, env.pool, cluster_key, &found, &key, &env.err),
	    E_NOTFOUND);
	assert_non_null(strstr(env.err.text, "dtr key rotate"));
}

static void
test_first_key(void **state UNUSED)
{
	unsigned char signature[KEY_SIGNATURE_SIZE];
	struct token_key found;
	struct key *key = NULL;
	const char *kid = rotate(0, 0);

	ok(token_key_signing(
	    env.garant, env.pool, cluster_key, &found, &key, &env.err));
	assert_string_equal(found.kid, kid);
	ok(key_sign(key, "x", 1, signature, &env.err));
	assert_int_equal(key_verify(key, "x", 1, signature, &env.err), 1);
	key_free(&key);
	assert_true(verifies(kid));
}

static void
test_other_cluster_key(void **state UNUSED)
{
	unsigned char other[32];
	struct token_key found;
	struct key *key = NULL;

	rotate(0, 0);
	memcpy(other, cluster_key, sizeof(other));
	other[0] ^= 1;
	assert_true(token_key_signing(env.garant, env.pool, other, &found, &key,
			&env.err) < 0);
	assert_null(key);
	/* a key's bytes are bound to its name */
	sql("UPDATE token_key SET kid = 'other';\n"
	    "UPDATE token_certificate SET kid = 'other';\n");
	assert_true(token_key_signing(env.garant, env.pool, cluster_key, &found,
			&key, &env.err) < 0);
	sql("UPDATE token_key SET sealed = ''");
	assert_true(token_key_signing(env.garant, env.pool, cluster_key, &found,
			&key, &env.err) < 0);
	assert_null(key);
}

static void
test_rotation(void **state UNUSED)
{
	const char *one = rotate(0, 0);
	const char *two = rotate(10, 100);

	/* published, and not used until everybody has read it */
	assert_true(verifies(two));
	assert_string_equal(signing(), one);
	pass(11);
	assert_string_equal(signing(), two);
	/* what the old one signed is good until its time is over */
	assert_true(verifies(one));
	pass(100);
	assert_false(verifies(one));
	assert_true(verifies(two));
	ok(token_key_purge(env.owner, &env.err));
	assert_sql(1, "SELECT COUNT(*) FROM token_key");
	assert_sql(1, "SELECT COUNT(*) FROM token_certificate");
	assert_string_equal(signing(), two);
}

static void
test_rotation_that_overtakes(void **state UNUSED)
{
	const char *one = rotate(0, 0);
	const char *two = rotate(600, 60);
	const char *three = rotate(0, 60);

	assert_string_equal(signing(), three);
	pass(30);
	assert_true(verifies(one));
	/* the second one's time comes when nobody verifies it any more */
	pass(600);
	assert_false(verifies(two));
	assert_string_equal(signing(), three);
	assert_true(verifies(signing()));
}

/* a key that was made while the clock was ahead, and is retired since it was
 * set right: its time comes, but not for signing */
static void
test_key_of_a_clock_that_was_ahead(void **state UNUSED)
{
	const char *one = rotate(0, 0);
	const char *two;

	sql("UPDATE token_key SET created = created + INTERVAL 1 HOUR, "
	    "sign_from = sign_from + INTERVAL 1 HOUR;\n"
	    "UPDATE token_certificate SET created = created + INTERVAL 1 HOUR");
	two = rotate(0, 7200);
	assert_string_equal(signing(), two);
	pass(3601);
	assert_true(verifies(one));
	assert_string_equal(signing(), two);
	pass(7200);
	assert_false(verifies(one));
	assert_string_equal(signing(), two);
}

static void
test_states(void **state UNUSED)
{
	struct token_key_state *k;
	size_t count;
	const char *one = rotate(0, 0);
	const char *two, *three;

	pass(1000);
	two = rotate(0, 500);
	pass(1);
	three = rotate(10, 500);
	ok(token_key_states(env.owner, env.pool, &k, &count, &env.err));
	assert_int_equal(count, 3);
	assert_string_equal(k[0].kid, three);
	assert_true(k[0].is_next);
	assert_false(k[0].signs);
	assert_int_equal(k[0].ends_in_s, -1);
	assert_string_equal(k[1].kid, two);
	assert_true(k[1].signs);
	assert_in_range(k[1].ends_in_s, 1, 500);
	assert_string_equal(k[2].kid, one);
	assert_false(k[2].signs);
	assert_false(k[2].is_next);
	assert_true(k[2].age_s >= 1000);
	assert_string_equal(signing(), two);
}

static int
rotate_job(struct job *job)
{
	const char *kid;

	return token_key_create(
	    job->db, job->pool, cluster_key, 0, 100, &kid, &job->err);
}

static void
test_two_rotate_at_once(void **state UNUSED)
{
	struct job first, second;
	const char *one = rotate(0, 0);

	proxy_rule(proxy, PROXY_HOLD, "COMMIT");
	job_start(&first, rotate_job, slow, NULL);
	proxy_wait_held(proxy);
	job_start(&second, rotate_job, env.owner, NULL);
	wait_lock();
	proxy_release(proxy);
	job_ok(&first);
	job_ok(&second);
	/* one of the two signs for good; the other two have an end */
	assert_sql(1,
	    "SELECT COUNT(*) FROM token_certificate "
	    "WHERE verify_until IS NULL");
	assert_sql(3, "SELECT COUNT(*) FROM token_key");
	assert_true(verifies(one));
	assert_string_equal(signing(),
	    sql_text("SELECT kid FROM token_certificate "
		     "WHERE verify_until IS NULL"));
}

static void
test_rotation_with_a_lost_commit(void **state UNUSED)
{
	const char *kid;

	proxy_rule(proxy, PROXY_CUT_AFTER, "COMMIT");
	ok(token_key_create(
	    slow, env.pool, cluster_key, 0, 100, &kid, &env.err));
	assert_string_equal(signing(), kid);
	assert_sql(1, "SELECT COUNT(*) FROM token_key");
}

/* --- settings */

static struct settings
load(void)
{
	struct settings s;

	ok(setting_load(env.registry, env.pool, &s, &env.err));
	return s;
}

static void
set(const char *name, const char *value)
{
	ok(setting_set(env.owner, name, value, &env.err));
}

static void
test_defaults(void **state UNUSED)
{
	struct settings s = load();

	assert_true(s.create_on_push);
	assert_int_equal(s.token_generation, 0);
	assert_int_equal(s.gc_promise, 86400);
}

static void
test_set(void **state UNUSED)
{
	set("createRepositoryOnPush", "false");
	set("gc.promise", "7200");
	assert_false(load().create_on_push);
	assert_int_equal(load().gc_promise, 7200);
	assert_sql(1, "SELECT version FROM setting WHERE name = 'gc.promise'");
	set("gc.promise", "7201");
	set("gc.promise", "7201");
	assert_sql(3, "SELECT version FROM setting WHERE name = 'gc.promise'");
	assert_int_equal(load().gc_promise, 7201);
}

static void
test_settings_that_are_refused(void **state UNUSED)
{
	static const struct {
		const char *name;
		const char *value;
		enum err_code code;
	} cases[] = {
		{ "no.such", "1", E_NOTFOUND },
		{ "gc.promise ", "7200", E_NOTFOUND },
		{ "GC.promise", "7200", E_NOTFOUND },
		{ "", "1", E_NOTFOUND },
		{ "gc.promise", "", E_INVALID },
		{ "gc.promise", "1", E_INVALID },
		{ "gc.promise", "31536001", E_INVALID },
		{ "gc.promise", "7200 ", E_INVALID },
		{ "gc.promise", "7200s", E_INVALID },
		{ "gc.promise", "99999999999999999999", E_INVALID },
		{ "createRepositoryOnPush", "yes", E_INVALID },
		{ "createRepositoryOnPush", "True", E_INVALID },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		fails(setting_set(
			  env.owner, cases[i].name, cases[i].value, &env.err),
		    cases[i].code);
	assert_sql(0, "SELECT COUNT(*) FROM setting");
}

static void
test_setting_of_a_newer_version(void **state UNUSED)
{
	sql("INSERT INTO setting (name, value, version, changed) "
	    "VALUES ('of.tomorrow', 'x', 1, UTC_TIMESTAMP(6))");
	env.err = (struct err)ERR_INIT;
	assert_true(load().create_on_push);
	/* and leaves no words behind */
	assert_int_equal(env.err.code, 0);
}

static void
test_setting_that_somebody_broke(void **state UNUSED)
{
	struct settings s;

	sql("INSERT INTO setting (name, value, version, changed) "
	    "VALUES ('gc.promise', 'soon', 1, UTC_TIMESTAMP(6))");
	fails(setting_load(env.registry, env.pool, &s, &env.err), E_INTERNAL);
	assert_non_null(strstr(env.err.text, "gc.promise"));
}

static void
test_revoke_tokens(void **state UNUSED)
{
	ok(setting_revoke_tokens(env.owner, &env.err));
	assert_int_equal(load().token_generation, 1);
	ok(setting_revoke_tokens(env.owner, &env.err));
	assert_int_equal(load().token_generation, 2);
	/* a lost answer may count twice, which revokes no less */
	proxy_rule(proxy, PROXY_CUT_AFTER, "COMMIT");
	ok(setting_revoke_tokens(slow, &env.err));
	assert_in_range(load().token_generation, 3, 4);
}

static void
test_snapshot(void **state UNUSED)
{
	struct db *nowhere = env_db("registry", env_socket("nowhere"));
	struct settings s;

	/* the first one reads them */
	err_set(&env.err, E_INVALID, "said before");
	ok(settings_current(env.registry, &s, &env.err));
	assert_string_equal(env.err.text, "said before");
	set("gc.promise", "7200");
	ok(settings_current(env.registry, &s, &env.err));
	assert_int_equal(s.gc_promise, 86400);
	ok(settings_refresh(env.registry, &env.err));
	ok(settings_current(env.registry, &s, &env.err));
	assert_int_equal(s.gc_promise, 7200);
	/* without a database the last one is kept */
	fails(settings_refresh(nowhere, &env.err), E_BUSY);
	ok(settings_current(nowhere, &s, &env.err));
	assert_int_equal(s.gc_promise, 7200);
	db_free(&nowhere);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(test_no_key),
	TEST(test_first_key),
	TEST(test_other_cluster_key),
	TEST(test_rotation),
	TEST(test_rotation_that_overtakes),
	TEST(test_key_of_a_clock_that_was_ahead),
	TEST(test_states),
	TEST(test_two_rotate_at_once),
	TEST(test_rotation_with_a_lost_commit),
	TEST(test_defaults),
	TEST(test_set),
	TEST(test_settings_that_are_refused),
	TEST(test_setting_of_a_newer_version),
	TEST(test_setting_that_somebody_broke),
	TEST(test_revoke_tokens),
	TEST(test_snapshot),
};

UNIT_MAIN(tests)
