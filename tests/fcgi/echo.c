/*
 * A small responder for tests of fcgi/core: each route does one thing that a
 * handler can do, well or badly. It uses the keys of the token service.
 */
#include "common/base/base.h"

#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/num.h"
#include "common/base/pool.h"
#include "common/base/time.h"
#include "common/conf/conf.h"
#include "common/crypt/digest.h"
#include "fcgi/core/errlist.h"
#include "fcgi/core/metrics.h"
#include "fcgi/core/server.h"

#define CHUNK      ((size_t)64 << 10)
#define NUMBER_MAX ((int64_t)1 << 40)
#define SLOW_MAX   (300 * TIME_SECOND)
#define SLOW_STEP  (TIME_SECOND / 100)

enum permission {
	PERMISSION_ALL = 1,
	PERMISSION_NOBODY
};
enum echo_metric {
	ECHO_TICKS,
	ECHO_BODIES,
	ECHO_METRICS
};

/* a number from the query */
static int
get_number(
    const struct req *req, const char *name, int64_t *out, struct err *err)
{
	const char *text = uri_param(&req->uri, name);

	if (text == NULL || !num_parse_range(text, 0, NUMBER_MAX, out))
		return err_set(err, E_INVALID, "\"%s\" is no number", name);
	return 0;
}

static int
get_hello(struct req *req, struct err *err UNUSED)
{
	resp_send(req, "text/plain", "hello\n", 6);
	return 0;
}

/* who and what the core says the request is */
static int
get_facts(struct req *req, struct err *err UNUSED)
{
	const char *header = uri_param(&req->uri, "header");
	char *text = pool_printf(
	    req->pool, "%d %s %s", (int)getpid(), req->remote, req->args[0]);

	resp_header(req, "X-Good", "yes");
	if (header != NULL)
		resp_header(req, "X-Given", header);
	resp_send(req, "text/plain", text, strlen(text));
	return 0;
}

/* length and SHA-256 of the body */
static int
put_body(struct req *req, struct err *err)
{
	unsigned char *chunk = pool_alloc(req->pool, CHUNK);
	struct digest *digest = digest_new(DIGEST_SHA256);
	unsigned char sum[DIGEST_SHA256_SIZE];
	char hex[ENC_HEX_SIZE(DIGEST_SHA256_SIZE)];
	char *text;
	size_t n;
	int rc;

	do {
		rc = req_read(req, chunk, CHUNK, &n, err);
		digest_add(digest, chunk, n);
	} while (rc == 0 && n > 0);
	digest_get(digest, sum);
	digest_free(&digest);
	if (rc < 0)
		return rc;
	enc_put_hex(hex, sum, sizeof(sum));
	metric_add(ECHO_BODIES, 1);
	text = pool_printf(req->pool, "%" PRIu64 " %s", req->bytes_in, hex);
	resp_send(req, "text/plain", text, strlen(text));
	return 0;
}

/* answers when the file in its folder is there */
static int
get_slow(struct req *req, struct err *err)
{
	const char *file = uri_param(&req->uri, "file");
	int64_t until = time_monotonic_us() + SLOW_MAX;

	if (file == NULL || strchr(file, '/') != NULL)
		return err_set(err, E_INVALID, "\"file\" is no file's name");
	while (access(file, F_OK) < 0 && time_monotonic_us() < until)
		time_sleep_us(SLOW_STEP);
	return get_hello(req, err);
}

/* n bytes of "x"; "short" less than were announced */
static int
get_stream(struct req *req, struct err *err)
{
	char *chunk = pool_alloc(req->pool, CHUNK);
	int64_t n, lacking = 0;
	int rc = get_number(req, "n", &n, err);

	if (rc == 0 && uri_param(&req->uri, "short") != NULL)
		rc = get_number(req, "short", &lacking, err);
	memset(chunk, 'x', CHUNK);
	if (rc == 0)
		resp_stream(req, "text/plain", (uint64_t)n);
	for (n -= lacking; rc == 0 && n > 0; n -= (int64_t)CHUNK)
		rc = resp_write(
		    req, chunk, n < (int64_t)CHUNK ? (size_t)n : CHUNK, err);
	return rc;
}

static int
get_fail(struct req *req UNUSED, struct err *err)
{
	err_set(err, E_BUSY, "the database is away");
	return err_cause(err, "secret detail");
}

static int
get_fail_late(struct req *req, struct err *err)
{
	resp_stream(req, "text/plain", 1000);
	if (resp_write(req, "half", 4, err) < 0)
		return err->code;
	return err_set(err, E_INTERNAL, "it broke in the middle");
}

static int
get_nothing(struct req *req UNUSED, struct err *err UNUSED)
{
	return 0;
}

static int
get_not_modified(struct req *req, struct err *err UNUSED)
{
	resp_status(req, 304);
	resp_send(req, NULL, "", 0);
	return 0;
}

static int
get_crash(struct req *req UNUSED, struct err *err UNUSED)
{
	abort();
}

static const struct route routes[] = { ROUTE(hello, METHOD_GET | METHOD_HEAD,
    "/hello/", PERMISSION_ALL, ROUTE_BODY_NONE, get_hello,
    "a small answer") ROUTE(facts, METHOD_GET, "/facts/{name*}", PERMISSION_ALL,
    ROUTE_BODY_NONE, get_facts, "what the core found out") ROUTE(body,
    METHOD_PUT | METHOD_POST | METHOD_PATCH, "/body", PERMISSION_ALL,
    ROUTE_BODY_READ, put_body, "reads its body") ROUTE(slow, METHOD_GET,
    "/slow", PERMISSION_ALL, ROUTE_BODY_NONE, get_slow,
    "answers late") ROUTE(stream, METHOD_GET | METHOD_HEAD, "/stream",
    PERMISSION_ALL, ROUTE_BODY_NONE, get_stream, "a large answer") ROUTE(fail,
    METHOD_GET | METHOD_POST, "/fail", PERMISSION_ALL, ROUTE_BODY_NONE,
    get_fail, "an error") ROUTE(fail_late, METHOD_GET, "/fail-late",
    PERMISSION_ALL, ROUTE_BODY_NONE, get_fail_late, "an error behind the head")
	    ROUTE(nothing, METHOD_GET, "/nothing", PERMISSION_ALL,
		ROUTE_BODY_NONE, get_nothing, "no answer") ROUTE(not_modified,
		METHOD_GET, "/not-modified", PERMISSION_ALL, ROUTE_BODY_NONE,
		get_not_modified, "an answer without a body")
		ROUTE(crash, METHOD_GET, "/crash", PERMISSION_ALL,
		    ROUTE_BODY_NONE, get_crash, "ends its worker") ROUTE(secret,
		    METHOD_GET | METHOD_PUT, "/secret", PERMISSION_NOBODY,
		    ROUTE_BODY_NONE, get_hello, "never allowed") };

static const struct metric metrics[ECHO_METRICS] = {
	[ECHO_TICKS] = { "echo_ticks_total", "", "ticks", METRIC_COUNTER },
	[ECHO_BODIES] = { "echo_bodies_total", "result=\"whole\"",
	    "bodies read to their end", METRIC_COUNTER },
};

static size_t
pools(const struct conf *conf, struct server_pool out[SERVER_POOLS_MAX])
{
	out[0] = (struct server_pool){ .name = "echo",
		.socket = conf->garant_socket,
		.workers = (unsigned)conf->garant_workers,
		.threads = (unsigned)conf->garant_threads };
	return 1;
}

/* a configuration that passes its check and yet cannot be started */
static int
start(const struct conf *conf, struct err *err)
{
	if (strcmp(conf->db_name, "unstartable") == 0 ||
	    access("not-startable", F_OK) == 0)
		return err_set(err, E_BUSY, "no database");
	return 0;
}

static void
stop(void)
{
}

static int
authorize(struct req *req UNUSED, int permission, struct err *err)
{
	if (permission == PERMISSION_ALL)
		return 0;
	return err_set(err, E_UNAUTH, "who are you");
}

static void
put_error(struct req *req, const struct err *err)
{
	errlist_send_one(req, err_name(err->code), err->text);
}

static int
ready(struct err *err)
{
	if (access("not-ready", F_OK) != 0)
		return 0;
	err_set(err, E_BUSY, "not there");
	return server_lacks(err, SERVER_DATABASE);
}

static void
tick(void)
{
	metric_add(ECHO_TICKS, 1);
}

int
main(int argc, char **argv)
{
	static const struct server server = {
		.program = "echo",
		.version = "1.0",
		.routes = routes,
		.route_count = COUNT_OF(routes),
		.metrics = metrics,
		.metric_count = ECHO_METRICS,
		.pools = pools,
		.start = start,
		.stop = stop,
		.authorize = authorize,
		.put_error = put_error,
		.ready = ready,
		.tick = tick,
	};

	return server_main(&server, argc, argv);
}
