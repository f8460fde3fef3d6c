/* Who the client is: trusted proxies and X-Forwarded-For. */
#include "common/base/base.h"
#include "tests/unit/pool_fixture.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/proxy.h"
#include "common/base/str.h"

static struct proxy_list list;

static void
trust(const char *text)
{
	if (proxy_parse(&list, text, &err) < 0)
		fail_msg("%s", err.text);
}

static void
assert_client(const char *remote, const char *forwarded, const char *expected)
{
	assert_string_equal(
	    proxy_client(&list, pool, remote, forwarded), expected);
}

static void
test_nobody_is_trusted(void **state UNUSED)
{
	trust("");
	assert_int_equal(list.count, 0);
	assert_client("192.0.2.1", NULL, "192.0.2.1");
	assert_client("192.0.2.1", "198.51.100.1", "192.0.2.1");
	assert_client("127.0.0.1", "198.51.100.1", "127.0.0.1");
	assert_client("::1", "198.51.100.1", "::1");
	assert_client(NULL, "198.51.100.1", "");
}

static void
test_one_proxy(void **state UNUSED)
{
	trust("10.0.0.1");
	assert_client("10.0.0.1", NULL, "10.0.0.1");
	assert_client("10.0.0.1", "", "10.0.0.1");
	assert_client("10.0.0.1", "198.51.100.1", "198.51.100.1");
	assert_client("10.0.0.1", " \t198.51.100.1\t ", "198.51.100.1");
	assert_client("10.0.0.1", "2001:db8::7", "2001:db8::7");
	/* only it */
	assert_client("10.0.0.2", "198.51.100.1", "10.0.0.2");
}

/* what the client writes stands to the left of what proxies add */
static void
test_spoofing(void **state UNUSED)
{
	trust("10.0.0.0/8");
	assert_client("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1");
	assert_client("10.0.0.1", "10.9.9.9, 198.51.100.1", "198.51.100.1");
	assert_client("10.0.0.1",
	    "1.1.1.1,2.2.2.2,198.51.100.1,10.0.0.2,"
	    "10.0.0.3",
	    "198.51.100.1");
	assert_client("10.0.0.1", "nonsense, 198.51.100.1", "198.51.100.1");
	assert_client("10.0.0.1", ",,,198.51.100.1", "198.51.100.1");
	/* a client that is no proxy says nothing that counts */
	assert_client("198.51.100.1", "10.0.0.1", "198.51.100.1");
	assert_client("198.51.100.1", "1.1.1.1, 10.0.0.1", "198.51.100.1");
}

static void
test_chain_of_proxies(void **state UNUSED)
{
	trust("10.0.0.0/8, 2001:db8::/32");
	assert_client(
	    "10.0.0.1", "198.51.100.1, 10.0.0.2, 2001:db8::1", "198.51.100.1");
	assert_client(
	    "2001:db8:ffff::1", "2001:db9::1, 10.0.0.2", "2001:db9::1");
	/* all are ours: the first of them */
	assert_client("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3");
}

/* the proxy before it is taken, nothing is guessed */
static void
test_text_that_is_no_address(void **state UNUSED)
{
	static const char *const odd[] = { "unknown", "198.51.100", "1",
		"198.51.100.256", "198.51.100.1:80", "[2001:db8::7]",
		"[2001:db8::7]:80", "2001:db8::7%eth0", "198.51.100.1/32",
		"198.51.100.1 198.51.100.2", "\"198.51.100.1\"", "0x7f.1",
		"198.051.100.1.", "for=198.51.100.1", "", "   ", "1.1.1.1,",
		"1.1.1.1, ",
		("1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:"
		 "1111:1111:1111:1111") };

	trust("10.0.0.0/8");
	for (size_t i = 0; i < COUNT_OF(odd); i++) {
		char *list_text =
		    pool_printf(pool, "198.51.100.9, %s, 10.0.0.2", odd[i]);

		assert_client("10.0.0.1", odd[i], "10.0.0.1");
		assert_client("10.0.0.1", list_text, "10.0.0.2");
	}
	/* REMOTE_ADDR of a unix socket */
	assert_client("unix:", "198.51.100.1", "unix:");
}

static void
test_networks(void **state UNUSED)
{
	static const struct {
		const char *network, *inside, *outside;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.255.255", "11.0.0.0" },
		{ "192.0.2.128/25", "192.0.2.255", "192.0.2.127" },
		{ "192.0.2.4/30", "192.0.2.7", "192.0.2.8" },
		{ "192.0.2.5/30", "192.0.2.4", "192.0.2.3" },
		{ "192.0.2.7/32", "192.0.2.7", "192.0.2.6" },
		{ "192.0.2.7", "192.0.2.7", "192.0.2.6" },
		{ "128.0.0.0/1", "255.0.0.1", "127.255.255.255" },
		{ "0.0.0.0/0", "203.0.113.1", "2001:db8::1" },
		{ "::1", "::1", "::2" },
		{ "2001:db8::/32", "2001:db8:ffff::", "2001:db9::" },
		{ "2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::" },
		{ "fe80::/10", "febf::1", "fec0::1" },
		{ "2001:db8::7/128", "2001:db8:0:0:0:0:0:7", "2001:db8::8" },
		/* an IPv4 client of an IPv6 socket */
		{ "10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:11.1.2.3" },
		{ "::ffff:10.0.0.0/104", "10.1.2.3", "11.1.2.3" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		trust(cases[i].network);
		assert_client(cases[i].inside, "198.18.0.1", "198.18.0.1");
		assert_client(cases[i].outside, "198.18.0.1", cases[i].outside);
	}
}

static void
test_lists(void **state UNUSED)
{
	trust(" 10.0.0.1 ,\t10.0.0.2,::1 ");
	assert_int_equal(list.count, 3);
	assert_client("10.0.0.2", "198.51.100.1", "198.51.100.1");
	assert_client("::1", "198.51.100.1", "198.51.100.1");
	assert_client("10.0.0.3", "198.51.100.1", "10.0.0.3");
}

static void
test_wrong_lists(void **state UNUSED)
{
	static const struct {
		const char *text, *named;
	} cases[] = {
		{ "10.0.0.0/33", "\"10.0.0.0/33\"" },
		{ "::/129", "\"::/129\"" },
		{ "10.0.0.0/", "\"10.0.0.0/\"" },
		{ "10.0.0.0/-1", "\"10.0.0.0/-1\"" },
		{ "10.0.0.0/08", "\"10.0.0.0/08\"" },
		{ "10.0.0.0/8/8", "\"10.0.0.0/8/8\"" },
		{ "10.0.0.0/255.0.0.0", "\"10.0.0.0/255.0.0.0\"" },
		{ "10.0.0", "\"10.0.0\"" },
		{ "proxy.example", "\"proxy.example\"" },
		{ "10.0.0.1,, ::1", "\"\"" },
		{ ",", "\"\"" },
		{ " ", "\" \"" },
		{ "10.0.0.1;::1", "\"10.0.0.1;::1\"" },
		{ "10.0.0.1,*", "\"*\"" },
		{ "[::1]", "\"[::1]\"" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		if (proxy_parse(&list, cases[i].text, &err) != E_INVALID)
			fail_msg("\"%s\" is taken", cases[i].text);
		if (strstr(err.text, cases[i].named) == NULL)
			fail_msg("%s: %s", cases[i].text, err.text);
		assert_non_null(strstr(err.text, "node.trusted_proxies"));
	}
}

static void
test_too_many(void **state UNUSED)
{
	struct str text;

	str_init(&text, pool, 4096);
	for (int i = 0; i < PROXIES_MAX; i++)
		str_printf(&text, "%s10.0.0.%d", i > 0 ? "," : "", i);
	trust(text.p);
	assert_int_equal(list.count, PROXIES_MAX);
	assert_client("10.0.0.63", "198.51.100.1", "198.51.100.1");
	str_puts(&text, ",10.0.1.0");
	assert_int_equal(proxy_parse(&list, text.p, &err), E_INVALID);
	assert_non_null(strstr(err.text, "64"));
}

static const struct CMUnitTest tests[] = {
	POOL_TEST(test_nobody_is_trusted),
	POOL_TEST(test_one_proxy),
	POOL_TEST(test_spoofing),
	POOL_TEST(test_chain_of_proxies),
	POOL_TEST(test_text_that_is_no_address),
	POOL_TEST(test_networks),
	POOL_TEST(test_lists),
	POOL_TEST(test_wrong_lists),
	POOL_TEST(test_too_many),
};

UNIT_MAIN(tests)
