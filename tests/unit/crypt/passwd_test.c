/* Password hashes: published ones, ours, and those that must not match. */
#include "common/base/base.h"
#include "tests/unit/pool_fixture.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/crypt/passwd.h"

#define BCRYPT_SALT "$2b$04$CCCCCCCCCCCCCCCCCCCCC."

static char *
letters(size_t n)
{
	char *text = pool_alloc(pool, n + 1);

	memset(text, 'a', n);
	return text;
}

/* from other programs: crypt_blowfish, openssl passwd, libxcrypt */
static const struct {
	const char *password;
	const char *hash;
} known[] = {
	{ "U*U",
	    "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW" },
	{ "U*U",
	    "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW" },
	{ "pass\xc3\xa9", BCRYPT_SALT "lB9QmYRRpo4Inr9wSdKnEcF0Wt7VWAC" },
	{ "Hello world!",
	    "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFN"
	    "jnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1" },
	{ "password",
	    "$6$rounds=1000$roundstoolow$rumDPI.SAf/N11VQYH1ub3Sx0y9pGvBo8Cdt"
	    "6IjrnL.kpSqq5u3VlborVFx/rjYNXS8Q.ksojNA.C1EnJbgvo0" },
	{ "password",
	    "$y$j75$ABCDEFGHIJKLMNOPQRSTU1$"
	    "ybk2YqS1lce7Y1pwuQwDTfYCOmoVJEId9GYqJIqM996" },
	{ "password",
	    "$y$j9T$ABCDEFGHIJKLMNOPQRSTU1$"
	    "Uo5zO3Li7WlboTcNKE7X18wjIPdOzwjOi2usV1YYqv6" },
};

static void
test_known(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		const char *hash = known[i].hash;
		char *changed = pool_strdup(pool, hash);

		assert_int_equal(
		    passwd_verify(known[i].password, hash, &err), 1);
		assert_int_equal(passwd_verify("", hash, &err), 0);
		assert_int_equal(
		    passwd_verify(pool_printf(pool, "%s ", known[i].password),
			hash, &err),
		    0);
		changed[strlen(hash) - 10] ^= 1;
		assert_int_equal(
		    passwd_verify(known[i].password, changed, &err), 0);
	}
}

static void
test_cut_hash(void **state UNUSED)
{
	/* a column too short must not turn into a match */
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		char *cut = pool_strdup(pool, known[i].hash);

		cut[strlen(cut) - 1] = '\0';
		assert_int_equal(
		    passwd_verify(known[i].password, cut, &err), 0);
	}
	assert_int_equal(
	    passwd_verify("password", "$y$j75$ABCDEFGHIJKLMNOPQRSTU1$", &err),
	    0);
}

static void
test_made(void **state UNUSED)
{
	static const struct {
		const char *method;
		unsigned cost;
		const char *start;
	} cases[] = {
		{ "yescrypt", 1, "$y$j75$" },
		{ "yescrypt", 5, "$y$j9T$" },
		{ "bcrypt", 4, "$2b$04$" },
		{ "bcrypt", 6, "$2b$06$" },
		/* the usual ones; libcrypt's own for bcrypt is 5 */
		{ "yescrypt", 0, "$y$j9T$" },
		{ "bcrypt", 0, "$2b$12$" },
	};
	char *hash, *again;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(passwd_hash(pool, "a b c", cases[i].method,
				     cases[i].cost, &hash, &err),
		    0);
		assert_memory_equal(
		    hash, cases[i].start, strlen(cases[i].start));
		assert_int_equal(passwd_verify("a b c", hash, &err), 1);
		assert_int_equal(passwd_verify("a b d", hash, &err), 0);
		assert_int_equal(passwd_hash(pool, "a b c", cases[i].method,
				     cases[i].cost, &again, &err),
		    0);
		assert_string_not_equal(hash, again);
	}
}

static void
test_refused(void **state UNUSED)
{
	static const struct {
		const char *method;
		unsigned cost;
		size_t length;
		const char *text;
	} cases[] = {
		{ "yescrypt", 12, 8, "cost of yescrypt must be from 1 to 11" },
		{ "bcrypt", 3, 8, "cost of bcrypt must be from 4 to 20" },
		{ "bcrypt", 21, 8, "cost of bcrypt must be from 4 to 20" },
		{ "argon2", 5, 8, "password method \"argon2\" is not known" },
		{ "", 5, 8, "password method \"\" is not known" },
		{ "bcrypt", 4, 73,
		    "password is longer than the 72 bytes that bcrypt takes" },
		{ "yescrypt", 1, 512,
		    "password is longer than the 511 bytes that yescrypt "
		    "takes" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *hash = NULL;

		assert_int_equal(
		    passwd_hash(pool, letters(cases[i].length), cases[i].method,
			cases[i].cost, &hash, &err),
		    E_INVALID);
		assert_string_equal(err.text, cases[i].text);
		assert_null(hash);
	}
}

static void
test_longest(void **state UNUSED)
{
	static const struct {
		const char *method;
		unsigned cost;
		size_t length;
	} cases[] = {
		{ "yescrypt", 1, PASSWD_LENGTH_MAX },
		{ "bcrypt", 4, 72 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *password = letters(cases[i].length);
		char *hash;

		assert_int_equal(passwd_hash(pool, password, cases[i].method,
				     cases[i].cost, &hash, &err),
		    0);
		assert_int_equal(passwd_verify(password, hash, &err), 1);
		password[cases[i].length - 1] = 'b';
		assert_int_equal(passwd_verify(password, hash, &err), 0);
		/* too long to be anybody's: wrong, not a fault */
		assert_int_equal(
		    passwd_verify(letters(PASSWD_LENGTH_MAX + 1), hash, &err),
		    0);
	}
}

/* a hash that another program made of the first 72 bytes */
static void
test_bcrypt_cuts(void **state UNUSED)
{
	static const char hash[] =
	    BCRYPT_SALT "mDyzbhj.9K0apb9O/AGMWwoLXiYAu6u";

	assert_int_equal(passwd_verify(letters(71), hash, &err), 0);
	assert_int_equal(passwd_verify(letters(72), hash, &err), 1);
	assert_int_equal(passwd_verify(letters(73), hash, &err), 1);
}

static void
test_unknown_forms(void **state UNUSED)
{
	static const char *const hashes[] = { "", "*", "*0", "!", "password",
		"$1$abcdefgh$irWbblnpmw.5z7wgBnprh0", "$5$salt$x",
		"abJnggxhB/yWI",
		"$2x$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK",
		"$7$C6..../....salt$x", "$gy$j9T$salt$x", "$argon2id$v=19$x",
		"$2b$", "$2b$5$", "$2b$0", "$2b$00$", "$2b$03$CC", "$2b$1",
		"$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$2b$21$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$2b$-1$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$6$rounds=10000001$salt$x", "$6$rounds=999999999$salt$x",
		"$6$rounds=$salt$x", "$6$rounds=99999999999999999999$salt$x",
		"$y$", "$y$j", "$y$j9", "$y$j9T", "$y$jGT$salt$x",
		"$y$jzT$salt$x", "$y$j9z$salt$x", "$y$j9T5$salt$x",
		"$y$k9T$salt$x" };

	for (size_t i = 0; i < COUNT_OF(hashes); i++) {
		err_clear(&err);
		assert_int_equal(
		    passwd_verify("password", hashes[i], &err), E_INTERNAL);
		assert_string_equal(err.text,
		    "the stored password hash has an unknown form or cost");
	}
}

static void
test_broken_salt(void **state UNUSED)
{
	static const char *const hashes[] = { "$2b$05$",
		"$2b$05$C:", "$y$j9T$:$x" };

	for (size_t i = 0; i < COUNT_OF(hashes); i++) {
		err_clear(&err);
		assert_int_equal(
		    passwd_verify("password", hashes[i], &err), E_INTERNAL);
		assert_string_equal(err.text, "checking a password failed");
		assert_true(err.cause[0] != '\0');
	}
}

static int64_t
cpu_us(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t), 0);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
test_waste(void **state UNUSED)
{
	static const struct {
		const char *method;
		unsigned cost;
	} cases[] = { { "yescrypt", 5 }, { "yescrypt", 8 }, { "bcrypt", 12 } };
	char *hash;
	int64_t start, verified, wasted;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(passwd_hash(pool, "secret", cases[i].method,
				     cases[i].cost, &hash, &err),
		    0);
		start = cpu_us();
		assert_int_equal(passwd_verify("secret", hash, &err), 1);
		verified = cpu_us() - start;
		start = cpu_us();
		passwd_waste("secret", cases[i].method, cases[i].cost);
		wasted = cpu_us() - start;
		/* the same work; wide, for a busy machine */
		assert_in_range(wasted, verified / 4, verified * 4);
	}
}

static const struct CMUnitTest tests[] = {
	POOL_TEST(test_known),
	POOL_TEST(test_cut_hash),
	POOL_TEST(test_made),
	POOL_TEST(test_refused),
	POOL_TEST(test_longest),
	POOL_TEST(test_bcrypt_cuts),
	POOL_TEST(test_unknown_forms),
	POOL_TEST(test_broken_salt),
	POOL_TEST(test_waste),
};

UNIT_MAIN(tests)
