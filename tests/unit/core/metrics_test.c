/* The counters in Prometheus' text format 0.0.4. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include <sys/wait.h>

#include "common/base/num.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/base/time.h"
#include "fcgi/core/metrics.h"
#include "fcgi/core/metrics_private.h"
#include "fcgi/core/server.h"

#define TEXT_MAX ((size_t)4 << 20)

enum own_metric {
	OWN_GOOD,
	OWN_BAD,
	OWN_LEVEL,
	OWN_SPAN,
	OWN_KEPT,
	OWN_COUNT
};

static const struct metric own[OWN_COUNT] = {
	[OWN_GOOD] = { "test_logins_total", "result=\"good\"", "logins",
	    METRIC_COUNTER },
	[OWN_BAD] = { "test_logins_total", "result=\"bad\"", "logins",
	    METRIC_COUNTER },
	[OWN_LEVEL] = { "test_level", "", "how high", METRIC_GAUGE },
	[OWN_SPAN] = { "test_span_seconds", "action=\"wait\"", "how long",
	    METRIC_SUMMARY },
	[OWN_KEPT] = { "test_kept_total", "", "kept elsewhere", METRIC_TOTAL },
};
static const struct route routes[] = { { .id = "one" }, { .id = "two" } };
static const struct route core_routes[] = { { .id = "livez" } };
static const struct server server = { .program = "tester",
	.version = "1.2",
	.routes = routes,
	.route_count = COUNT_OF(routes),
	.metrics = own,
	.metric_count = OWN_COUNT };

/* as metrics_private.h counts them */
enum {
	ROUTE_ONE,
	ROUTE_TWO,
	ROUTE_LIVEZ,
	ROUTE_NONE
};

static struct pool *pool;

static int
setup(void **state UNUSED)
{
	pool = pool_new((size_t)16 << 20);
	metrics_init(&server, core_routes, COUNT_OF(core_routes));
	metrics_use_slot(0);
	return 0;
}

static int
teardown(void **state UNUSED)
{
	pool_free(&pool);
	return 0;
}

static const char *
text(void)
{
	struct str out;

	str_init(&out, pool, TEXT_MAX);
	metrics_put(&out);
	assert_false(str_is_full(&out));
	return out.p;
}

static bool
has_line(const char *line)
{
	char *wanted = pool_printf(pool, "\n%s\n", line);

	return strstr(pool_printf(pool, "\n%s", text()), wanted) != NULL;
}

static void
assert_line(const char *line)
{
	if (!has_line(line))
		fail_msg("no line \"%s\" in\n%s", line, text());
}

static void
request(size_t route, unsigned method, int status, int64_t duration_us)
{
	metrics_request_begin();
	metrics_request_route(route);
	metrics_request_end(route, method, status, duration_us, 0, 0);
}

static void
test_requests(void **state UNUSED)
{
	request(ROUTE_ONE, METHOD_GET, 200, 1);
	request(ROUTE_ONE, METHOD_GET, 200, 1);
	request(ROUTE_ONE, METHOD_DELETE, 200, 1);
	request(ROUTE_TWO, METHOD_PATCH, 404, 1);
	request(ROUTE_LIVEZ, METHOD_HEAD, 503, 1);
	request(ROUTE_NONE, 0, 501, 1);
#define REQUESTS "registry_http_requests_total"
	assert_line(REQUESTS "{handler=\"one\",method=\"GET\",code=\"200\"} 2");
	assert_line(
	    REQUESTS "{handler=\"one\",method=\"DELETE\",code=\"200\"} 1");
	assert_line(
	    REQUESTS "{handler=\"two\",method=\"PATCH\",code=\"404\"} 1");
	assert_line(
	    REQUESTS "{handler=\"livez\",method=\"HEAD\",code=\"503\"} 1");
	assert_line(
	    REQUESTS "{handler=\"none\",method=\"other\",code=\"501\"} 1");
}

/* one that has no counter of its own is counted with its hundred */
static void
test_odd_statuses(void **state UNUSED)
{
	static const struct {
		int status;
		const char *counted;
	} cases[] = { { 203, "200" }, { 307, "304" }, { 418, "400" },
		{ 504, "500" } };

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		teardown(NULL);
		setup(NULL);
		request(ROUTE_ONE, METHOD_GET, cases[i].status, 1);
		assert_line(pool_printf(pool,
		    REQUESTS "{handler=\"one\",method=\"GET\",code=\"%s\"} 1",
		    cases[i].counted));
	}
}

static void
test_durations(void **state UNUSED)
{
#define DURATION "registry_http_request_duration_seconds"
	request(ROUTE_ONE, METHOD_GET, 200, 0);
	request(ROUTE_ONE, METHOD_GET, 200, 1000);
	request(ROUTE_ONE, METHOD_GET, 200, 1001);
	request(ROUTE_ONE, METHOD_GET, 200, 60 * TIME_SECOND);
	request(ROUTE_ONE, METHOD_GET, 200, 61 * TIME_SECOND);
	/* up to and with the bound, each with those before it */
#define ONE_GET "handler=\"one\",method=\"GET\""
	assert_line(DURATION "_bucket{" ONE_GET ",le=\"0.001\"} 2");
	assert_line(DURATION "_bucket{" ONE_GET ",le=\"0.0025\"} 3");
	assert_line(DURATION "_bucket{" ONE_GET ",le=\"30\"} 3");
	assert_line(DURATION "_bucket{" ONE_GET ",le=\"60\"} 4");
	assert_line(DURATION "_bucket{" ONE_GET ",le=\"+Inf\"} 5");
	assert_line(DURATION "_count{" ONE_GET "} 5");
	assert_line(DURATION "_sum{" ONE_GET "} 121.002001");
	/* nobody asked for the others */
	assert_null(strstr(text(), "handler=\"two\""));
}

static void
test_sizes(void **state UNUSED)
{
	metrics_request_begin();
	metrics_request_route(ROUTE_TWO);
	metrics_request_end(
	    ROUTE_TWO, METHOD_PUT, 201, 1, UINT64_C(5000000000), 17);
	metrics_request_begin();
	metrics_request_route(ROUTE_TWO);
	metrics_request_end(ROUTE_TWO, METHOD_PUT, 201, 1, 1, 1);
#define TWO_PUT  "handler=\"two\",method=\"PUT\""
#define RECEIVED "registry_http_request_size_bytes"
#define SENT     "registry_http_response_size_bytes"
	assert_line(RECEIVED "_sum{" TWO_PUT "} 5000000001");
	assert_line(RECEIVED "_count{" TWO_PUT "} 2");
	assert_line(RECEIVED "_bucket{" TWO_PUT ",le=\"1024\"} 1");
	assert_line(RECEIVED "_bucket{" TWO_PUT ",le=\"4294967296\"} 1");
	assert_line(RECEIVED "_bucket{" TWO_PUT ",le=\"+Inf\"} 2");
	assert_line(SENT "_sum{" TWO_PUT "} 18");
	assert_line(SENT "_bucket{" TWO_PUT ",le=\"1024\"} 2");
}

#define IN_FLIGHT "registry_http_in_flight_requests"

static void
test_running_requests(void **state UNUSED)
{
	metrics_request_begin();
	assert_line(IN_FLIGHT "{handler=\"none\"} 1");
	metrics_request_route(ROUTE_ONE);
	assert_false(has_line(IN_FLIGHT "{handler=\"none\"} 1"));
	metrics_use_slot(METRICS_SLOTS - 1);
	metrics_request_begin();
	metrics_request_route(ROUTE_ONE);
	metrics_request_begin();
	metrics_request_route(ROUTE_TWO);
	assert_line(IN_FLIGHT "{handler=\"one\"} 2");
	assert_line(IN_FLIGHT "{handler=\"two\"} 1");
	metrics_request_end(ROUTE_ONE, METHOD_GET, 200, 1, 0, 0);
	assert_line(IN_FLIGHT "{handler=\"one\"} 1");
	/* a worker died with what it served */
	assert_line("dtr_worker_restarts_total 0");
	metrics_worker_died();
	metrics_clear_slot(METRICS_SLOTS - 1);
	assert_line(IN_FLIGHT "{handler=\"one\"} 1");
	assert_false(has_line(IN_FLIGHT "{handler=\"two\"} 1"));
	assert_line("dtr_worker_restarts_total 1");
}

/* before anybody asked, nothing is known */
static void
test_readiness(void **state UNUSED)
{
	assert_null(strstr(text(), "dtr_ready"));
	assert_line("dtr_draining 0");
	metrics_ready(false);
	assert_line("dtr_ready 0");
	metrics_ready(true);
	metrics_draining(true);
	assert_line("dtr_ready 1");
	assert_non_null(strstr(text(), "\ndtr_ready_asked_timestamp_seconds "));
	assert_line("dtr_draining 1");
}

static void
test_own_metrics(void **state UNUSED)
{
	metric_add(OWN_GOOD, 2);
	metric_add(OWN_GOOD, 3);
	metric_set(OWN_LEVEL, 7);
	metric_add(OWN_LEVEL, -9);
	assert_line("test_logins_total{result=\"good\"} 5");
	assert_line("test_logins_total{result=\"bad\"} 0");
	assert_line("test_level -2");
	assert_line("# TYPE test_logins_total counter");
	assert_line("# HELP test_logins_total logins");
	assert_line("# TYPE test_level gauge");
	metric_observe(OWN_SPAN, 1500000);
	metric_observe(OWN_SPAN, 1000000);
	assert_line("# TYPE test_span_seconds summary");
	assert_line("test_span_seconds_sum{action=\"wait\"} 2.5");
	assert_line("test_span_seconds_count{action=\"wait\"} 2");
	assert_line("# TYPE test_kept_total counter");
	assert_null(strstr(text(), "\ntest_kept_total "));
	metric_set(OWN_KEPT, 0);
	assert_line("test_kept_total 0");
}

static void
test_program(void **state UNUSED)
{
	const char *start =
	    strstr(text(), "\nprocess_start_time_seconds ") + 28;
	uint64_t seconds;

	assert_line("dtr_build_info{program=\"tester\",version=\"1.2\"} 1");
	assert_true(
	    num_parse_u64(start, strcspn(start, "\n"), INT64_MAX, &seconds));
	assert_in_range(time_now_s() - (int64_t)seconds, 0, 60);
}

/* what other processes count is in the sum */
static void
test_shared(void **state UNUSED)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		metrics_use_slot(1);
		request(ROUTE_ONE, METHOD_GET, 200, 1);
		metric_add(OWN_GOOD, 1);
		metrics_request_begin();
		_exit(0);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	assert_int_equal(status, 0);
	assert_line(REQUESTS "{handler=\"one\",method=\"GET\",code=\"200\"} 1");
	assert_line("test_logins_total{result=\"good\"} 1");
	assert_line(IN_FLIGHT "{handler=\"none\"} 1");
}

static bool
is_name(const char *p, size_t n)
{
	return n > 0 && strspn(p, "abcdefghijklmnopqrstuvwxyz_0123456789") >= n;
}

/* name, a label set or none, one blank, a number */
static void
check_sample(const char *line)
{
	size_t n = strcspn(line, "{ ");
	const char *value = line + n;

	assert_true(is_name(line, n));
	if (*value == '{') {
		value = strstr(value, "\"} ");
		assert_non_null(value);
		value += 2;
	}
	assert_true(*value == ' ');
	value++;
	assert_true(
	    *value != '\0' && strspn(value, "-.0123456789") == strlen(value));
}

/* the metric of a line of either kind, without what a histogram adds */
static char *
family_of(const char *line)
{
	static const char *const ends[] = { "_bucket", "_sum", "_count" };
	const char *name = line[0] == '#' ? line + strlen("# HELP ") : line;
	char *family = pool_memdup(pool, name, strcspn(name, "{ "));

	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		size_t n = strlen(ends[i]), length = strlen(family);

		if (length > n && strcmp(family + length - n, ends[i]) == 0)
			family[length - n] = '\0';
	}
	return family;
}

/* HELP, TYPE, then all samples of a metric together: the format asks for it */
static void
test_format(void **state UNUSED)
{
	const char *family = "", *line = text();
	char *seen = pool_strdup(pool, ",");

	for (unsigned m = 1; m <= METHOD_DELETE; m *= 2)
		for (size_t r = ROUTE_ONE; r <= ROUTE_NONE; r++)
			request(r, m, 200 + (int)(m * 13), (int64_t)(m * 999));
	for (line = text(); *line != '\0'; line += strcspn(line, "\n") + 1) {
		char *copy = pool_memdup(pool, line, strcspn(line, "\n"));

		if (strncmp(copy, "# HELP ", 7) == 0) {
			family = family_of(copy);
			/* each metric once */
			assert_null(
			    strstr(seen, pool_printf(pool, ",%s,", family)));
			seen = pool_printf(pool, "%s%s,", seen, family);
			continue;
		}
		assert_string_equal(family_of(copy), family);
		if (strncmp(copy, "# TYPE ", 7) != 0)
			check_sample(copy);
	}
	assert_true(strlen(seen) > 100);
	assert_int_equal(text()[strlen(text()) - 1], '\n');
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(test_requests),
	TEST(test_odd_statuses),
	TEST(test_durations),
	TEST(test_sizes),
	TEST(test_running_requests),
	TEST(test_readiness),
	TEST(test_own_metrics),
	TEST(test_program),
	TEST(test_shared),
	TEST(test_format),
};

UNIT_MAIN(tests)
