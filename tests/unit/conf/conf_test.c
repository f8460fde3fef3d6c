/* The configuration: values, every error's exact text, and limits. */
#include "common/base/base.h"
#include "tests/unit/pool_fixture.h"

#include <fcntl.h>

#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/conf/conf.h"

#define NAME "/etc/dtr/dtr.conf"

static struct conf conf;

static int
parse(const char *text)
{
	return conf_parse(&conf, pool, NAME, text, strlen(text), &err);
}

static void
assert_refused(const char *text, const char *expected)
{
	err_clear(&err);
	assert_int_equal(parse(text), E_INVALID);
	assert_int_equal(err.code, E_INVALID);
	assert_string_equal(err.text, expected);
}

static void
test_defaults(void **state UNUSED)
{
	conf_defaults(&conf, pool, "/srv/dtr");
	assert_string_equal(conf.file, "");
	assert_string_equal(conf.external_url, "https://localhost");
	assert_string_equal(conf.secrets_dir, "/srv/dtr/secrets");
	assert_string_equal(conf.run_dir, "/run/dtr");
	assert_string_equal(conf.log_level, "info");
	assert_string_equal(conf.db_ca, "");
	assert_int_equal(conf.db_connections, 8);
	assert_true(conf.storage_reserve == INT64_C(1) << 30);
}

static void
assert_same(const struct conf *a, const struct conf *b)
{
	const char *key, *one, *two, *help;
	size_t i = 0;

	for (; conf_item(a, pool, i, &key, &one, &help); i++) {
		assert_true(conf_item(b, pool, i, &key, &two, &help));
		assert_string_equal(one, two);
	}
	assert_false(conf_item(b, pool, i, &key, &two, &help));
}

static void
test_empty_file(void **state UNUSED)
{
	static const char *const texts[] = { "", "\n", "\n\n", "# comment",
		"#\n \t# node.user = x\n", "  \t \r\n\r\n" };
	struct conf defaults;

	conf_defaults(&defaults, pool, "/etc/dtr");
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		assert_int_equal(parse(texts[i]), 0);
		assert_string_equal(conf.file, NAME);
		assert_same(&conf, &defaults);
	}
}

/* every key can be written down and read again */
static void
test_all_keys(void **state UNUSED)
{
	struct conf defaults;
	const char *key, *value, *help;
	struct str text;

	conf_defaults(&defaults, pool, "/etc/dtr");
	str_init(&text, pool, 65536);
	for (size_t i = 0; conf_item(&defaults, pool, i, &key, &value, &help);
	     i++) {
		assert_non_null(strchr(key, '.'));
		assert_true(strlen(help) > 10);
		str_printf(&text, "%s=%s\n", key, value);
	}
	assert_false(str_is_full(&text));
	assert_int_equal(parse(text.p), 0);
	assert_same(&conf, &defaults);
}

static void
test_blanks(void **state UNUSED)
{
	assert_int_equal(parse("  node.user\t =  jane # doe = x \t\r\n"
			       "database.name=a=b\n"
			       "\tdatabase.connections =  12\r\n"
			       "registry.threads = 3"),
	    0);
	assert_string_equal(conf.node_user, "jane # doe = x");
	assert_string_equal(conf.db_name, "a=b");
	assert_int_equal(conf.db_connections, 12);
	assert_int_equal(conf.registry_threads, 3);
}

static void
test_paths(void **state UNUSED)
{
	static const struct {
		const char *name;
		const char *value;
		const char *path;
	} cases[] = {
		{ NAME, "/var/ca.pem", "/var/ca.pem" },
		{ NAME, "ca.pem", "/etc/dtr/ca.pem" },
		{ NAME, "../ca.pem", "/etc/dtr/../ca.pem" },
		{ NAME, "", "" },
		{ "/dtr.conf", "ca.pem", "/ca.pem" },
		{ "var/dtr.conf", "ca.pem", "var/ca.pem" },
		{ "dtr.conf", "ca.pem", "./ca.pem" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *text = pool_printf(
		    pool, "database.ca_file = %s\n", cases[i].value);

		assert_int_equal(conf_parse(&conf, pool, cases[i].name, text,
				     strlen(text), &err),
		    0);
		assert_string_equal(conf.db_ca, cases[i].path);
	}
	assert_string_equal(conf.secrets_dir, "./secrets");
}

static void
test_sizes(void **state UNUSED)
{
	static const struct {
		const char *value;
		int64_t size;
	} cases[] = {
		{ "0", 0 },
		{ "0K", 0 },
		{ "1", 1 },
		{ "1K", 1024 },
		{ "16M", 16 << 20 },
		{ "3G", INT64_C(3) << 30 },
		{ "1T", INT64_C(1) << 40 },
		{ "1024T", INT64_C(1) << 50 },
		{ "1125899906842624", INT64_C(1) << 50 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(parse(pool_printf(pool, "storage.reserve = %s",
				     cases[i].value)),
		    0);
		assert_true(conf.storage_reserve == cases[i].size);
	}
}

static void
test_sizes_refused(void **state UNUSED)
{
	static const char *const values[] = { "", "K", "1k", "1KB", "1 K", "-1",
		"+1", "01", "1.5G", "0x10", "1025T", "1P", "1125899906842625",
		"9223372036854775807", "9223372036854775808",
		"18446744073709551616", "8388608T", "18014398509481984K" };

	for (size_t i = 0; i < COUNT_OF(values); i++)
		assert_refused(
		    pool_printf(pool, "storage.reserve = %s", values[i]),
		    pool_printf(pool,
			NAME ":1: key \"storage.reserve\" must be a size "
			     "from 0 to 1125899906842624, not \"%s\"",
			values[i]));
}

/* what a packet of the database, of 16 MB, holds with all that is beside it */
static void
test_manifest_size(void **state UNUSED)
{
	assert_int_equal(parse("registry.manifest_max = 8M"), 0);
	assert_int_equal(conf.registry_manifest_max, 8 << 20);
	assert_refused("registry.manifest_max = 8388609",
	    NAME ":1: key \"registry.manifest_max\" must be a size from 65536 "
		 "to 8388608, not \"8388609\"");
}

static void
test_numbers(void **state UNUSED)
{
	static const char *const values[] = { "", "0", "257", "-1", "8K", "8 8",
		"1e2", "08", "99999999999999999999" };

	assert_int_equal(parse("database.connections = 1"), 0);
	assert_int_equal(conf.db_connections, 1);
	assert_int_equal(parse("database.connections = 256"), 0);
	assert_int_equal(conf.db_connections, 256);
	for (size_t i = 0; i < COUNT_OF(values); i++)
		assert_refused(
		    pool_printf(pool, "database.connections = %s", values[i]),
		    pool_printf(pool,
			NAME ":1: key \"database.connections\" must be a "
			     "number from 1 to 256, not \"%s\"",
			values[i]));
}

static void
test_choices(void **state UNUSED)
{
	static const char *const good[] = { "debug", "info", "warn", "error" };
	static const char *const bad[] = { "", "inf", "information", "INFO",
		"debug|info", "|" };

	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_int_equal(
		    parse(pool_printf(pool, "node.log_level = %s", good[i])),
		    0);
		assert_string_equal(conf.log_level, good[i]);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_refused(pool_printf(pool, "node.log_level = %s", bad[i]),
		    pool_printf(pool,
			NAME ":1: key \"node.log_level\" must be one of "
			     "debug|info|warn|error, not \"%s\"",
			bad[i]));
}

static void
test_external_url(void **state UNUSED)
{
	static const char *const good[] = { "https://localhost",
		"http://registry:80", "https://Registry.example-1.com:5443",
		"https://10.0.0.1:65535", "https://[::1]",
		"https://[fd00::1]:5443" };
	static const char *const bad[] = { "", "registry.example.com", "ftp:x",
		"ftp://x", "HTTPS://x", "https:/x", "https://", "https://:443",
		"https://x/", "https://x/path", "https://x?a",
		"https://x:", "https://x:0", "https://x:65536", "https://x:a",
		"https://x:443/", "https://a@x", "https://a b", "https://-x",
		"https://.x", "https://[::1", "https://[]", "https://[x]",
		"https://[::1]x", "https://\"" };

	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_int_equal(parse(pool_printf(pool,
				     "node.external_url = %s\n", good[i])),
		    0);
		assert_string_equal(
		    conf_service(&conf), strstr(good[i], "://") + 3);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_refused(
		    pool_printf(pool, "node.external_url = %s\n", bad[i]),
		    pool_printf(pool,
			NAME ": key \"node.external_url\" must be like "
			     "https://registry.example.com or "
			     "https://10.0.0.1:5443, with nothing behind it, "
			     "not \"%s\"",
			bad[i]));
}

static void
test_accel_prefix(void **state UNUSED)
{
	static const char *const bad[] = { "", "_blobs/", "/_blobs", "x" };

	assert_int_equal(parse("storage.accel_prefix = /a/b/"), 0);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_refused(
		    pool_printf(pool, "storage.accel_prefix = %s\n", bad[i]),
		    pool_printf(pool,
			NAME ": key \"storage.accel_prefix\" must begin and "
			     "end with \"/\": /_blobs/, not \"%s\"",
			bad[i]));
}

static void
test_trusted_proxies(void **state UNUSED)
{
	static const char *const bad[] = { "balancer", "10.0.0.0/33" };

	assert_int_equal(parse("node.trusted_proxies = 10.0.0.0/8, ::1\n"), 0);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_refused(
		    pool_printf(pool, "node.trusted_proxies = %s\n", bad[i]),
		    pool_printf(pool,
			NAME ": node.trusted_proxies: \"%s\" is not an "
			     "address or network",
			bad[i]));
}

static void
test_password_cost(void **state UNUSED)
{
	static const struct {
		const char *method;
		int least;
		int most;
	} cases[] = { { "yescrypt", 1, 11 }, { "bcrypt", 4, 20 } };

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		for (int cost = 0; cost <= 20; cost++) {
			const char *text = pool_printf(pool,
			    "garant.password_cost = %d\n"
			    "garant.password_method = %s\n",
			    cost, cases[i].method);

			if (cost == 0 ||
			    (cost >= cases[i].least && cost <= cases[i].most))
				assert_int_equal(parse(text), 0);
			else
				assert_refused(text,
				    pool_printf(pool,
					NAME ": key \"garant.password_cost\" "
					     "must be 0, or from %d to %d for "
					     "%s, not %d",
					cases[i].least, cases[i].most,
					cases[i].method, cost));
		}
}

static void
test_unknown_keys(void **state UNUSED)
{
	static const struct {
		const char *key;
		const char *meant;
	} cases[] = {
		{ "registry.treads", "registry.threads" },
		{ "registry.thread", "registry.threads" },
		{ "registry.thraeds", "registry.threads" },
		{ "registry,threads", "registry.threads" },
		{ "regstry.worker", "registry.workers" },
		{ "garant.thread", "garant.threads" },
		{ "Node.user", "node.user" },
		{ "node.users", "node.user" },
		{ "registry.thr", NULL },
		{ "registry", NULL },
		{ "threads", NULL },
		{ "NODE.USER", NULL },
		{ "x", NULL },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_refused(
		    pool_printf(pool, "# first\n\n%s = 1\n", cases[i].key),
		    cases[i].meant != NULL
			? pool_printf(pool,
			      NAME ":3: unknown key \"%s\"; do you mean "
				   "\"%s\"?",
			      cases[i].key, cases[i].meant)
			: pool_printf(pool, NAME ":3: unknown key \"%s\"",
			      cases[i].key));
}

/* the key itself, not another one two edits away */
static void
test_nearest(void **state UNUSED)
{
	const char *key, *value, *help;

	conf_defaults(&conf, pool, "/");
	for (size_t i = 0; conf_item(&conf, pool, i, &key, &value, &help); i++)
		assert_refused(pool_printf(pool, "%sx = 1", key),
		    pool_printf(pool,
			NAME ":1: unknown key \"%sx\"; do you mean \"%s\"?",
			key, key));
}

static void
test_long_key(void **state UNUSED)
{
	char *key = pool_alloc(pool, 3001);

	memset(key, 'k', 3000);
	assert_refused(pool_printf(pool, "%s = 1", key),
	    pool_printf(pool, NAME ":1: unknown key \"%.80s\"", key));
}

static void
test_forms(void **state UNUSED)
{
	static const char *const lines[] = { "node.user", "node.user jane",
		"= jane", "  \t= jane", "=", "[node]", "user: jane",
		"; comment" };

	for (size_t i = 0; i < COUNT_OF(lines); i++)
		assert_refused(
		    pool_printf(pool, "node.user = x\n%s\n", lines[i]),
		    NAME ":2: line is not of the form \"key = value\"");
}

static void
test_twice(void **state UNUSED)
{
	assert_refused("node.user = a\n#\nnode.user = a\n",
	    NAME ":3: key \"node.user\" is there twice");
	assert_refused("node.user =\nnode.user = a",
	    NAME ":2: key \"node.user\" is there twice");
}

static void
test_control_characters(void **state UNUSED)
{
	static const char expected[] = NAME ":1: control character in the line";
	static const char nul[] = "node.user = a\0b";
	char line[] = "node.user = a?b";

	for (char c = 1; c < 0x20; c++) {
		if (c == '\t' || c == '\n')
			continue;
		line[13] = c;
		assert_refused(line, expected);
	}
	line[13] = 0x7f;
	assert_refused(line, expected);
	assert_refused("# a\rb\n", expected);
	assert_refused("node.user = a\r\r\n", expected);
	assert_int_equal(
	    conf_parse(&conf, pool, NAME, nul, sizeof(nul) - 1, &err),
	    E_INVALID);
	assert_string_equal(err.text, expected);
	assert_int_equal(parse("node.user = a\tb\xc3\xa9"), 0);
	assert_string_equal(conf.node_user, "a\tb\xc3\xa9");
}

static void
test_line_limit(void **state UNUSED)
{
	char *value = pool_alloc(pool, 4097);

	memset(value, 'v', 4096 - strlen("node.user="));
	assert_int_equal(parse(pool_printf(pool,
			     "node.user=%s\nregistry.threads=2\n", value)),
	    0);
	assert_string_equal(conf.node_user, value);
	assert_int_equal(conf.registry_threads, 2);
	assert_refused(pool_printf(pool, "\nnode.user=%sv", value),
	    NAME ":2: line is longer than 4096 bytes");
	memset(value, 'v', 4096);
	assert_refused(pool_printf(pool, "#%s\n", value),
	    NAME ":1: line is longer than 4096 bytes");
}

static void
test_text_without_end(void **state UNUSED)
{
	/* exactly n bytes are read */
	static const char text[] = "node.user = jane=doe\n";

	assert_int_equal(conf_parse(&conf, pool, NAME, text, 14, &err), 0);
	assert_string_equal(conf.node_user, "ja");
	assert_int_equal(conf_parse(&conf, pool, NAME, text, 0, &err), 0);
	assert_string_equal(conf.node_user, "");
}

static char *
write_file(const char *text, size_t n)
{
	char *path = pool_strdup(pool, "/tmp/dtr-conf-test-XXXXXX");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, text, n, &err), 0);
	io_close(&fd);
	return path;
}

static void
test_load(void **state UNUSED)
{
	static const char text[] = "node.user = jane\ndatabase.ca_file = ca\n";
	char *path = write_file(text, strlen(text));

	assert_int_equal(conf_load(&conf, pool, path, &err), 0);
	assert_int_equal(unlink(path), 0);
	assert_string_equal(conf.file, path);
	assert_string_equal(conf.node_user, "jane");
	assert_string_equal(conf.db_ca, "/tmp/ca");
}

static void
test_load_fails(void **state UNUSED)
{
	size_t n = ((size_t)1 << 20) + 1;
	char *text = pool_alloc(pool, n), *path;

	memset(text, '\n', n);
	path = write_file(text, n - 1);
	assert_int_equal(conf_load(&conf, pool, path, &err), 0);
	assert_int_equal(unlink(path), 0);
	path = write_file(text, n);
	assert_int_equal(conf_load(&conf, pool, path, &err), E_TOOBIG);
	assert_string_equal(err.text,
	    pool_printf(
		pool, "file \"%s\" is larger than 1048576 bytes", path));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(conf_load(&conf, pool, path, &err), E_NOTFOUND);
	assert_string_equal(err.text,
	    pool_printf(pool,
		"no configuration file \"%s\"; make one with: dtr init", path));
	path = write_file("x\n", 2);
	assert_int_equal(conf_load(&conf, pool, path, &err), E_INVALID);
	assert_string_equal(err.text,
	    pool_printf(
		pool, "%s:1: line is not of the form \"key = value\"", path));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(conf_load(&conf, pool, "/tmp", &err), E_INVALID);
	assert_string_equal(err.text,
	    "\"/tmp\" is a folder; give the path of a file");
}

static void
test_default_file(void **state UNUSED)
{
	unsetenv("DTR_CONF");
	assert_string_equal(conf_default_file(), DTR_SYSCONFDIR "/dtr.conf");
	setenv("DTR_CONF", "", 1);
	assert_string_equal(conf_default_file(), DTR_SYSCONFDIR "/dtr.conf");
	setenv("DTR_CONF", "/x/y.conf", 1);
	assert_string_equal(conf_default_file(), "/x/y.conf");
	unsetenv("DTR_CONF");
}

static void
test_items(void **state UNUSED)
{
	const char *key, *value, *help;
	size_t i = 0;

	assert_int_equal(parse("storage.reserve = 2K\nnode.user = jane"), 0);
	while (conf_item(&conf, pool, i++, &key, &value, &help)) {
		if (strcmp(key, "storage.reserve") == 0)
			assert_string_equal(value, "2048");
		if (strcmp(key, "node.user") == 0)
			assert_string_equal(value, "jane");
	}
	assert_true(i > 20);
}

static void
test_manual(void **state UNUSED)
{
	const char *key, *value, *help;
	struct str text;

	str_init(&text, pool, 65536);
	conf_put_manual(&text);
	assert_false(str_is_full(&text));
	conf_defaults(&conf, pool, "/etc/dtr");
	for (size_t i = 0; conf_item(&conf, pool, i, &key, &value, &help); i++)
		assert_non_null(
		    strstr(text.p, pool_printf(pool, ".It Cm %s\n", key)));
	assert_non_null(strstr(text.p,
	    ".It Cm database.connections\n"
	    "Most connections of one worker process.\n"
	    "From 1 to 256, default 8.\n"));
	assert_non_null(strstr(text.p,
	    ".It Cm node.secrets_dir\n"
	    "Folder of secret files: db-<program>, cluster-key.\n"
	    "Default: secrets\n"));
	assert_non_null(strstr(text.p,
	    ".It Cm storage.sendfile\n"
	    "How large blobs reach the client: by the program itself, "
	    "nginx's\nX-Accel-Redirect, or X-Sendfile.\n"
	    "One of: none, accel, xsendfile.\n"
	    "Default: none\n"));
	for (const char *line = text.p; *line != '\0';) {
		size_t n = strcspn(line, "\n");

		assert_in_range(n, 1, 79);
		/* no line is taken for a macro by mistake */
		assert_true(line[0] != '\'');
		if (line[0] == '.')
			assert_memory_equal(line, ".It Cm ", 7);
		line += n + 1;
	}
}

static const struct CMUnitTest tests[] = {
	POOL_TEST(test_defaults),
	POOL_TEST(test_empty_file),
	POOL_TEST(test_all_keys),
	POOL_TEST(test_blanks),
	POOL_TEST(test_paths),
	POOL_TEST(test_sizes),
	POOL_TEST(test_sizes_refused),
	POOL_TEST(test_manifest_size),
	POOL_TEST(test_numbers),
	POOL_TEST(test_choices),
	POOL_TEST(test_external_url),
	POOL_TEST(test_accel_prefix),
	POOL_TEST(test_trusted_proxies),
	POOL_TEST(test_password_cost),
	POOL_TEST(test_unknown_keys),
	POOL_TEST(test_nearest),
	POOL_TEST(test_long_key),
	POOL_TEST(test_forms),
	POOL_TEST(test_twice),
	POOL_TEST(test_control_characters),
	POOL_TEST(test_line_limit),
	POOL_TEST(test_text_without_end),
	POOL_TEST(test_load),
	POOL_TEST(test_load_fails),
	POOL_TEST(test_default_file),
	POOL_TEST(test_items),
	POOL_TEST(test_manual),
};

UNIT_MAIN(tests)
