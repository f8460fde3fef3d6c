/* The parts of the dtr command that need no files and no database. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "cli/hosts.h"
#include "cli/mask.h"
#include "cli/secret.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/pool.h"
#include "common/conf/conf.h"
#include "common/conf/load.h"

static void
test_host_of_url(void **state UNUSED)
{
	static const struct {
		const char *url;
		const char *host;
	} cases[] = {
		{ "https://registry.example.com", "registry.example.com" },
		{ "https://registry.example.com:5443", "registry.example.com" },
		{ "https://registry.example.com/x", "registry.example.com" },
		{ "http://127.0.0.1:80", "127.0.0.1" },
		{ "https://[2001:db8::1]:443", "2001:db8::1" },
		{ "https://[2001:db8::1", NULL },
		{ "https://", NULL },
		{ "https://:443", NULL },
		{ "registry.example.com", NULL },
		{ "", NULL },
	};
	struct pool *pool = pool_new(1 << 20);

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *host = hosts_of_url(pool, cases[i].url);

		if (cases[i].host == NULL) {
			assert_null(host);
			continue;
		}
		assert_non_null(host);
		assert_string_equal(host, cases[i].host);
	}
	pool_free(&pool);
}

static void
test_hosts_items(void **state UNUSED)
{
	struct pool *pool = pool_new(1 << 20);
	const char *list = "unix:/a b, db2:3306 ,[::1]:3306";

	assert_string_equal(hosts_item(pool, list, 0), "unix:/a b");
	assert_string_equal(hosts_item(pool, list, 1), "db2:3306");
	assert_string_equal(hosts_item(pool, list, 2), "[::1]:3306");
	assert_null(hosts_item(pool, list, 3));
	assert_string_equal(hosts_item(pool, "", 0), "");
	assert_null(hosts_item(pool, "", 1));
	pool_free(&pool);
}

static void
test_hosts_local(void **state UNUSED)
{
	static const struct {
		const char *list;
		bool local;
	} cases[] = {
		{ "unix:/run/mysqld/mysqld.sock", true },
		{ "localhost:3306", true },
		{ "127.0.0.1:3306", true },
		{ "127.1.2.3:3306,unix:/x", true },
		{ "[::1]:3306", true },
		{ "unix:/x,db2:3306", false },
		{ "localhost.example.com:3306", false },
		{ "127.example.com:3306", false },
		{ "10.0.0.1:3306", false },
		{ "[::10]:3306", false },
	};
	struct pool *pool = pool_new(1 << 20);

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (hosts_are_local(pool, cases[i].list) != cases[i].local)
			fail_msg("%s", cases[i].list);
	pool_free(&pool);
}

static void
test_mask(void **state UNUSED)
{
	assert_true(mask_is_secret("ldap.password", true));
	assert_true(mask_is_secret("ldap.bind_password", true));
	assert_true(mask_is_secret("s3.secret", true));
	assert_true(mask_is_secret("s3.access_key_id", true));
	assert_false(mask_is_secret("database.name", true));
	/* a path, a number */
	assert_false(mask_is_secret("node.secrets_dir", false));
	assert_false(mask_is_secret("garant.password_checks", false));
	/* a section's name does not count */
	assert_false(mask_is_secret("keys.life", true));
}

static void
test_load(void **state UNUSED)
{
	struct pool *pool = pool_new(1 << 20);
	struct conf conf;
	struct load load;

	conf_defaults(&conf, pool, "/etc/dtr");
	conf.db_connections = 8;
	conf.registry_workers = 0;
	conf.registry_threads = 16;
	conf.registry_upload_workers = 3;
	conf.registry_upload_threads = 64;
	conf.garant_workers = 1;
	conf.garant_threads = 10;
	conf.api_workers = 2;
	conf.api_threads = 5;
	load = load_of(&conf, NULL, 4);
	assert_int_equal(load.workers, 1 + 3 + 1 + 2);
	assert_int_equal(load.threads, 16 + 3 * 64 + 10 + 2 * 5);
	assert_int_equal(load.connections, 8 * 7);
	load = load_of(&conf, "registry", 4);
	assert_int_equal(load.connections, 8 * 4);
	assert_int_equal(load.threads, 16 + 3 * 64);
	assert_int_equal(load_of(&conf, "api", 4).connections, 8 * 2);
	conf.registry_threads = 0;
	assert_int_equal(
	    load_of(&conf, NULL, 5).threads, 2 * 64 + 3 * 64 + 10 + 2 * 5);
	conf.storage_sendfile = "accel";
	assert_int_equal(
	    load_of(&conf, NULL, 5).threads, 2 * 8 + 3 * 64 + 10 + 2 * 5);
	pool_free(&pool);
}

static void
test_password_rules(void **state UNUSED)
{
	char longest[511 + 1], too_long[512 + 1];
	struct err err = ERR_INIT;

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	memset(too_long, 'x', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	assert_int_equal(secret_check_password("12345678", &err), 0);
	assert_int_equal(secret_check_password("p\xc3\xa4ssword", &err), 0);
	assert_int_equal(secret_check_password(longest, &err), 0);
	assert_int_equal(secret_check_password("1234567", &err), E_INVALID);
	assert_string_equal(
	    err.text, "a password has 8 to 511 bytes, this one has 7");
	assert_int_equal(secret_check_password("", &err), E_INVALID);
	assert_int_equal(secret_check_password(too_long, &err), E_INVALID);
	/* Latin-1, and half a character */
	assert_int_equal(secret_check_password("p\xe4ssword", &err), E_INVALID);
	assert_string_equal(err.text,
	    "a password is UTF-8, this one is not: a login by form could not "
	    "send it");
	assert_int_equal(
	    secret_check_password("12345678\xc3", &err), E_INVALID);
	assert_int_equal(secret_check_password("1234567\n89", &err), E_INVALID);
	assert_int_equal(
	    secret_check_password("12345678\x7f", &err), E_INVALID);
	/* the text never repeats the password */
	assert_null(strstr(err.text, "12345678"));
}

/* as from a file: whoever wrote the text may have ended it twice */
static void
test_standard_input(void **state UNUSED)
{
	static const char text[] = "a pass phrase\r\n\n";
	struct pool *pool = pool_new(1 << 20);
	struct err err = ERR_INIT;
	int ends[2], saved = dup(STDIN_FILENO);
	const char *secret;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(io_write_all(ends[1], text, strlen(text), &err), 0);
	io_close(&ends[1]);
	assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	io_close(&ends[0]);
	assert_int_equal(secret_read(pool, "-", "", &secret, &err), 0);
	assert_string_equal(secret, "a pass phrase");
	dup2(saved, STDIN_FILENO);
	io_close(&saved);
	pool_free(&pool);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_host_of_url),
	cmocka_unit_test(test_hosts_items),
	cmocka_unit_test(test_hosts_local),
	cmocka_unit_test(test_mask),
	cmocka_unit_test(test_load),
	cmocka_unit_test(test_password_rules),
	cmocka_unit_test(test_standard_input),
};

UNIT_MAIN(tests)
