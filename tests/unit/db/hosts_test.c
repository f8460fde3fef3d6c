/* The list of database servers: its grammar, and which one is asked next. */
#include "common/base/base.h"
#include "tests/unit/pool_fixture.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/time.h"
#include "common/db/db_private.h"

/* as in host.c */
#define BAD_US  (5 * TIME_SECOND)
#define LOOK_US (TIME_SECOND / 5)

#define START INT64_C(1000000000)

static struct hosts hosts;

static void
parse(const char *list)
{
	if (hosts_parse(&hosts, pool, list, &err) < 0)
		fail_msg("\"%s\": %s", list, err.text);
}

static void
test_tcp_forms(void **state UNUSED)
{
	static const struct {
		const char *text;
		const char *name;
		unsigned port;
	} cases[] = {
		{ "db1", "db1", 3306 },
		{ "db1:3307", "db1", 3307 },
		{ "db1.example.com:1", "db1.example.com", 1 },
		{ "127.0.0.1", "127.0.0.1", 3306 },
		{ "127.0.0.1:65535", "127.0.0.1", 65535 },
		{ "[::1]", "::1", 3306 },
		{ "[::1]:3307", "::1", 3307 },
		{ "[fe80::1%eth0]:3307", "fe80::1%eth0", 3307 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		parse(cases[i].text);
		assert_int_equal(hosts.count, 1);
		assert_string_equal(hosts.items[0].label, cases[i].text);
		assert_string_equal(hosts.items[0].name, cases[i].name);
		assert_int_equal(hosts.items[0].port, cases[i].port);
		assert_null(hosts.items[0].socket);
	}
}

static void
test_socket(void **state UNUSED)
{
	parse("unix:/run/mysqld/mysqld.sock");
	assert_int_equal(hosts.count, 1);
	assert_string_equal(hosts.items[0].socket, "/run/mysqld/mysqld.sock");
	assert_null(hosts.items[0].name);
}

static void
test_list_keeps_order_and_drops_blanks(void **state UNUSED)
{
	parse(" unix:/a.sock ,\tdb2:3307\t,db3");
	assert_int_equal(hosts.count, 3);
	assert_string_equal(hosts.items[0].socket, "/a.sock");
	assert_string_equal(hosts.items[0].label, "unix:/a.sock");
	assert_string_equal(hosts.items[1].name, "db2");
	assert_int_equal(hosts.items[1].port, 3307);
	assert_string_equal(hosts.items[2].name, "db3");
}

static void
test_malformed(void **state UNUSED)
{
	static const char *const texts[] = { "", " ", ",", "db1,", ",db1",
		"db1,,db2", "db1:", "db1:0", "db1:65536", "db1:x", "db1:-1",
		"db1: 3306", ":3306", "::1", "fe80::1:3306", "[::1", "[]",
		"[]:3306", "[::1]x", "[::1]:", "db 1", "db1/x", "/run/x.sock",
		"unix:", "unix:x.sock", "unix:relative/x.sock", "a]", "[[a]]" };

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		err_clear(&err);
		if (hosts_parse(&hosts, pool, texts[i], &err) != E_INVALID)
			fail_msg("\"%s\" was taken", texts[i]);
		assert_int_equal(err.code, E_INVALID);
		assert_non_null(strstr(err.text, "unix:/path or name:port"));
	}
}

static void
test_error_names_the_entry(void **state UNUSED)
{
	assert_int_equal(
	    hosts_parse(&hosts, pool, "db1,db2:no,db3", &err), E_INVALID);
	assert_string_equal(err.text,
	    "database host \"db2:no\" is not of the form unix:/path or "
	    "name:port");
}

static char *
repeat(char c, size_t n)
{
	char *text = pool_alloc(pool, n + 1);

	memset(text, c, n);
	return text;
}

static void
test_lengths(void **state UNUSED)
{
	const char *fits = pool_printf(pool, "unix:/%s", repeat('s', 106));
	const char *over = pool_printf(pool, "unix:/%s", repeat('s', 107));

	parse(fits);
	assert_int_equal(hosts_parse(&hosts, pool, over, &err), E_INVALID);
	parse(repeat('n', 255));
	assert_int_equal(
	    hosts_parse(&hosts, pool, repeat('n', 256), &err), E_INVALID);
}

static const char *
list_of(size_t count)
{
	const char *list = "h0";

	for (size_t i = 1; i < count; i++)
		list = pool_printf(pool, "%s,h%zu", list, i);
	return list;
}

static void
test_maximum(void **state UNUSED)
{
	parse(list_of(HOSTS_MAX));
	assert_int_equal(hosts.count, HOSTS_MAX);
	assert_int_equal(
	    hosts_parse(&hosts, pool, list_of(HOSTS_MAX + 1), &err), E_INVALID);
	assert_string_equal(err.text, "more than 16 database hosts");
}

/* Whom does a caller ask first who has not failed anywhere yet? */
static size_t
first(int64_t now_us)
{
	return hosts_pick(&hosts, hosts.count, 0, now_us);
}

static void
test_first_host_is_preferred(void **state UNUSED)
{
	parse("a,b,c");
	for (int i = 0; i < 3; i++)
		assert_int_equal(first(START), 0);
}

static void
test_search_goes_through_the_list(void **state UNUSED)
{
	parse("a,b,c");
	assert_int_equal(hosts_pick(&hosts, 3, 1U << 0, START), 1);
	assert_int_equal(hosts_pick(&hosts, 3, 1U << 0 | 1U << 1, START), 2);
	assert_true(hosts_pick(&hosts, 3, 1U << 0 | 1U << 1 | 1U << 2, START) ==
	    HOSTS_NONE);
}

static void
test_bad_host_is_left_alone_for_a_while(void **state UNUSED)
{
	parse("a,b");
	hosts_set_bad(&hosts, 0, START);
	assert_int_equal(first(START), 1);
	assert_int_equal(first(START + BAD_US - 1), 1);
	assert_int_equal(first(START + BAD_US), 0);
}

static void
test_one_caller_looks_at_a_bad_host(void **state UNUSED)
{
	parse("a,b");
	hosts_set_bad(&hosts, 0, START);
	assert_int_equal(first(START + BAD_US), 0);
	/* while he looks, the others do not wait for the result */
	assert_int_equal(first(START + BAD_US), 1);
	hosts_set_good(&hosts, 0);
	assert_int_equal(first(START + BAD_US), 0);
	assert_int_equal(first(START + BAD_US), 0);
}

static void
test_all_bad(void **state UNUSED)
{
	parse("a,b");
	hosts_set_bad(&hosts, 0, START);
	hosts_set_bad(&hosts, 1, START);
	/* nobody waits for a server that just failed */
	assert_true(first(START) == HOSTS_NONE);
	assert_true(first(START + LOOK_US - 1) == HOSTS_NONE);
	/* but it is seen soon when one is back: one look at each */
	assert_int_equal(first(START + LOOK_US), 0);
	assert_int_equal(first(START + LOOK_US), 1);
	assert_true(first(START + LOOK_US) == HOSTS_NONE);
	assert_int_equal(first(START + 2 * LOOK_US), 0);
}

static void
test_only_better_hosts(void **state UNUSED)
{
	parse("a,b,c");
	assert_true(hosts_pick(&hosts, 0, 0, START) == HOSTS_NONE);
	assert_int_equal(hosts_pick(&hosts, 2, 0, START), 0);
	hosts_set_bad(&hosts, 0, START);
	assert_int_equal(hosts_pick(&hosts, 2, 0, START), 1);
	hosts_set_bad(&hosts, 1, START);
	/* c serves, so nobody looks at the bad ones before their time */
	assert_true(hosts_pick(&hosts, 2, 0, START + LOOK_US) == HOSTS_NONE);
	assert_int_equal(hosts_pick(&hosts, 2, 0, START + BAD_US), 0);
}

static void
test_which_are_bad(void **state UNUSED)
{
	parse("a,b,c");
	assert_int_equal(hosts_bad(&hosts), 0);
	hosts_set_bad(&hosts, 0, START);
	hosts_set_bad(&hosts, 2, START);
	assert_int_equal(hosts_bad(&hosts), 1U << 0 | 1U << 2);
	/* also while somebody looks how it is now */
	assert_int_equal(first(START + BAD_US), 0);
	assert_int_equal(hosts_bad(&hosts), 1U << 0 | 1U << 2);
	hosts_set_good(&hosts, 0);
	assert_int_equal(hosts_bad(&hosts), 1U << 2);
}

static const struct CMUnitTest tests[] = {
	POOL_TEST(test_tcp_forms),
	POOL_TEST(test_socket),
	POOL_TEST(test_list_keeps_order_and_drops_blanks),
	POOL_TEST(test_malformed),
	POOL_TEST(test_error_names_the_entry),
	POOL_TEST(test_lengths),
	POOL_TEST(test_maximum),
	POOL_TEST(test_first_host_is_preferred),
	POOL_TEST(test_search_goes_through_the_list),
	POOL_TEST(test_bad_host_is_left_alone_for_a_while),
	POOL_TEST(test_one_caller_looks_at_a_bad_host),
	POOL_TEST(test_all_bad),
	POOL_TEST(test_only_better_hosts),
	POOL_TEST(test_which_are_bad),
};

UNIT_MAIN(tests)
