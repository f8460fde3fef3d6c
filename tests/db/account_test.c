/* Accounts, and the last administrator. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

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

static void
test_create_and_find(void **state UNUSED)
{
	struct account made = make_account(ACCOUNT_USER, true);
	struct account found;

	ok(find(made.name, &found));
	assert_true(rand_id_equal(&found.id, &made.id));
	assert_string_equal(found.name, made.name);
	assert_string_equal(found.full_name, "Somebody");
	assert_string_equal(found.password_hash, "!");
	assert_int_equal(found.kind, ACCOUNT_USER);
	assert_true(found.is_admin);
	assert_true(found.is_active);
	sql("UPDATE account SET is_admin = 0 WHERE id = %s", sql_id(&made.id));
}

static void
test_without_password(void **state UNUSED)
{
	struct account org = {
		.id = rand_id_new(), .name = unique("o"), .kind = ACCOUNT_ORG
	};
	struct account found;

	ok(account_create(env.owner, &org, NULL, &env.err));
	ok(find(org.name, &found));
	assert_null(found.password_hash);
	assert_int_equal(found.kind, ACCOUNT_ORG);
	assert_string_equal(found.full_name, "");
}

static void
test_names_are_compared_byte_by_byte(void **state UNUSED)
{
	struct account made = make_account(ACCOUNT_USER, false);
	struct account found;
	const char *const others[] = {
		pool_printf(env.pool, "%s ", made.name),
		pool_printf(env.pool, " %s", made.name),
		pool_printf(env.pool, "A%s", made.name + 1),
		pool_printf(env.pool, "%s\xcc\x81", made.name),
		pool_printf(env.pool, "%s'--", made.name),
		"",
		"\xff\xfe",
	};

	for (size_t i = 0; i < COUNT_OF(others); i++)
		fails(find(others[i], &found), E_NOTFOUND);
}

static void
test_names_that_are_refused(void **state UNUSED)
{
	static const char *const names[] = { "", "A", "a b", "a/b", ".a", "a.",
		"a..b", "a___b", "\xc3\xa4", "-a",
		("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "aaa") };

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct account account = { .id = rand_id_new(),
			.name = names[i],
			.kind = ACCOUNT_USER };

		if (account_create(env.owner, &account, NULL, &env.err) !=
		    E_INVALID)
			fail_msg("\"%s\" was taken", names[i]);
	}
}

static void
test_name_that_is_taken(void **state UNUSED)
{
	struct account first = make_account(ACCOUNT_ORG, false);
	struct account second = first;

	second.id = rand_id_new();
	fails(account_create(env.owner, &second, NULL, &env.err), E_EXISTS);
	assert_string_equal(env.err.text,
	    pool_printf(env.pool, "account \"%s\" exists already", first.name));
}

static int
create_job(struct job *job)
{
	const struct account *account = job->arg;

	return account_create(job->db, account, "!", &job->err);
}

static void
test_create_with_a_lost_commit(void **state UNUSED)
{
	static const enum proxy_act acts[] = { PROXY_CUT_BEFORE,
		PROXY_CUT_AFTER };

	for (size_t i = 0; i < COUNT_OF(acts); i++) {
		struct account account = { .id = rand_id_new(),
			.name = unique("a"),
			.kind = ACCOUNT_USER };
		struct account found;

		proxy_rule(proxy, acts[i], "COMMIT");
		ok(account_create(slow, &account, "!", &env.err));
		ok(find(account.name, &found));
		assert_true(rand_id_equal(&found.id, &account.id));
	}
}

static void
test_name_that_is_taken_after_a_lost_commit(void **state UNUSED)
{
	struct account mine = {
		.id = rand_id_new(), .name = unique("a"), .kind = ACCOUNT_USER
	};
	struct account other = {
		.id = rand_id_new(), .name = mine.name, .kind = ACCOUNT_USER
	};
	struct account found;
	struct job job;

	proxy_rule(proxy, PROXY_HOLD, "COMMIT");
	job_start(&job, create_job, slow, &mine);
	proxy_wait_held(proxy);
	proxy_mode(proxy, PROXY_REFUSES);
	ok(account_create(env.owner, &other, "!", &env.err));
	proxy_mode(proxy, PROXY_SERVES);
	/* not "yes, made": his password would be another's */
	job_fails(&job, E_EXISTS);
	ok(find(mine.name, &found));
	assert_true(rand_id_equal(&found.id, &other.id));
}

static void
test_list(void **state UNUSED)
{
	struct account made[3];
	struct account *list;
	size_t count;

	for (size_t i = 0; i < COUNT_OF(made); i++)
		made[i] = make_account(ACCOUNT_USER, false);
	ok(account_list(
	    env.owner, env.pool, "", 1000, &list, &count, &env.err));
	for (size_t i = 1; i < count; i++)
		assert_true(strcmp(list[i - 1].name, list[i].name) < 0);
	ok(account_list(
	    env.owner, env.pool, made[0].name, 1, &list, &count, &env.err));
	assert_int_equal(count, 1);
	assert_string_equal(list[0].name, made[1].name);
	assert_null(list[0].password_hash);
}

/* --- the last administrator */

static void
retire_all_admins(void)
{
	sql("UPDATE account SET is_admin = 0");
}

static int
set_flags(const struct account *account, bool is_admin, bool is_active)
{
	struct account_change change = { .is_admin = &is_admin,
		.is_active = &is_active };

	return account_set_flags(env.owner, &account->id, &change, &env.err);
}

static int64_t
admins(void)
{
	int64_t count;

	ok(account_count_admins(env.owner, env.pool, &count, &env.err));
	return count;
}

static void
test_last_admin(void **state UNUSED)
{
	struct account one, two, org;

	retire_all_admins();
	one = make_account(ACCOUNT_USER, true);
	two = make_account(ACCOUNT_USER, true);
	org = make_account(ACCOUNT_ORG, true);
	assert_int_equal(admins(), 2);
	ok(set_flags(&one, false, true));
	fails(set_flags(&two, false, true), E_CONFLICT);
	fails(set_flags(&two, true, false), E_CONFLICT);
	fails(set_flags(&two, false, false), E_CONFLICT);
	assert_int_equal(admins(), 1);
	/* one without a password, or an organisation, cannot log in */
	sql("DELETE FROM account_password WHERE account_id = %s",
	    sql_id(&one.id));
	ok(set_flags(&one, true, true));
	assert_int_equal(admins(), 1);
	fails(set_flags(&two, false, true), E_CONFLICT);
	ok(account_set_password(env.owner, &one.id, "!", &env.err));
	ok(set_flags(&one, false, true));
	ok(set_flags(&org, false, true));
	ok(set_flags(&one, true, true));
	ok(set_flags(&two, false, true));
	/* nothing changes: nothing to refuse */
	ok(set_flags(&one, true, true));
}

/* each changes what he was asked to change, and says what was before */
static void
test_one_flag_stays_as_it_is(void **state UNUSED)
{
	const bool no = false;
	struct account account = make_account(ACCOUNT_USER, true);
	struct account_change first = { .is_active = &no };
	struct account_change second = { .is_admin = &no };

	make_account(ACCOUNT_USER, true);
	ok(account_set_flags(env.owner, &account.id, &first, &env.err));
	assert_true(first.before.is_admin && first.before.is_active);
	assert_true(first.after.is_admin && !first.after.is_active);
	ok(account_set_flags(env.owner, &account.id, &second, &env.err));
	assert_true(second.before.is_admin && !second.before.is_active);
	assert_true(!second.after.is_admin && !second.after.is_active);
}

static void
test_flags_of_nobody(void **state UNUSED)
{
	struct account nobody = { .id = rand_id_new() };

	fails(set_flags(&nobody, true, true), E_NOTFOUND);
}

static int
retire_job(struct job *job)
{
	const struct account *account = job->arg;
	const bool no = false, yes = true;
	struct account_change change = { .is_admin = &no, .is_active = &yes };

	return account_set_flags(job->db, &account->id, &change, &job->err);
}

static void
test_two_admins_go_at_once(void **state UNUSED)
{
	struct account one, two;
	struct job first, second;

	retire_all_admins();
	one = make_account(ACCOUNT_USER, true);
	two = make_account(ACCOUNT_USER, true);
	proxy_rule(proxy, PROXY_HOLD, "COMMIT");
	job_start(&first, retire_job, slow, &one);
	proxy_wait_held(proxy);
	job_start(&second, retire_job, env.owner, &two);
	wait_lock();
	proxy_release(proxy);
	job_ok(&first);
	job_fails(&second, E_CONFLICT);
	assert_int_equal(admins(), 1);
}

static void
test_admin_made_while_he_goes(void **state UNUSED)
{
	struct account one, two;
	struct job job;

	retire_all_admins();
	one = make_account(ACCOUNT_USER, true);
	two = make_account(ACCOUNT_USER, false);
	/* two was no administrator when it was looked at, */
	proxy_rule(proxy, PROXY_HOLD, "UPDATE account");
	job_start(&job, retire_job, slow, &two);
	/* who is none already has nothing to lose */
	job_ok(&job);
	sql("UPDATE account SET is_active = 0 WHERE id = %s", sql_id(&two.id));
	job_start(&job, retire_job, slow, &two);
	proxy_wait_held(proxy);
	/* and is the only one when that is written */
	ok(set_flags(&two, true, true));
	ok(set_flags(&one, false, true));
	proxy_release(proxy);
	job_fails(&job, E_CONFLICT);
	assert_int_equal(admins(), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, slow_teardown)

static const struct CMUnitTest tests[] = {
	TEST(test_create_and_find),
	TEST(test_without_password),
	TEST(test_names_are_compared_byte_by_byte),
	TEST(test_names_that_are_refused),
	TEST(test_name_that_is_taken),
	TEST(test_create_with_a_lost_commit),
	TEST(test_name_that_is_taken_after_a_lost_commit),
	TEST(test_list),
	TEST(test_last_admin),
	TEST(test_one_flag_stays_as_it_is),
	TEST(test_flags_of_nobody),
	TEST(test_two_admins_go_at_once),
	TEST(test_admin_made_while_he_goes),
};

UNIT_MAIN(tests)
