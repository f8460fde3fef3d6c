#include "common/base/base.h"
#include "fcgi/core/edge.h"

#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "common/base/pool.h"
#include "common/base/proxy.h"
#include "common/base/rand.h"
#include "common/base/str.h"
#include "common/base/time.h"
#include "common/conf/conf.h"
#include "fcgi/core/fcgi_io.h"
#include "fcgi/core/metrics_private.h"
#include "fcgi/core/server.h"

#define METRICS_SIZE_MAX ((size_t)4 << 20)
#define TARGET_MAX       ((size_t)32 << 10)
/* what nginx logs for it; no client ever sees it */
#define CLIENT_GONE 499
#define RETRY_AFTER "2" /* seconds */
#define ID_BYTES    16

static const struct server *edge_server;
static const char *edge_run_dir;
static struct proxy_list edge_proxies;

int
edge_init(const struct server *server, const struct conf *conf, struct err *err)
{
	edge_server = server;
	edge_run_dir = conf->run_dir;
	return proxy_parse(&edge_proxies, conf->trusted_proxies, err);
}

/* the one table; regerr.c has the few reasons that ask for another */
static int
status_of(const struct err *err)
{
	switch (err->code) {
	case E_NOTFOUND:
		return 404;
	case E_DENIED:
		return 403;
	case E_UNAUTH:
		return 401;
	case E_INVALID:
		return 400;
	case E_EXISTS:
	case E_CONFLICT:
		return 409;
	case E_TOOBIG:
		return 413;
	case E_RANGE:
		return 416;
	case E_LIMIT:
		return 429;
	case E_ABORTED:
		return 400;
	case E_BUSY:
	case E_UNCERTAIN:
		return 503;
	case E_FULL:
		return 507;
	case E_INTERNAL:
		return 500;
	}
	return 500;
}

/* routes of every program, for its operators */
static int
get_live(struct req *req, struct err *err UNUSED)
{
	resp_send(req, "text/plain", "ok\n", 3);
	return 0;
}

bool
server_is_draining(struct pool *pool)
{
	return access(pool_printf(pool, "%s/" CONF_DRAIN_FILE, edge_run_dir),
		   F_OK) == 0;
}

int
server_lacks(struct err *err, const char *part)
{
	err_prefix(err, "%s", part);
	return err_reason(err, part);
}

static int
get_ready(struct req *req, struct err *err)
{
	int rc = edge_server->ready(err);

	metrics_ready(rc == 0);
	if (rc < 0) {
		log_err(&req->log, LOG_WARN, "not_ready", err);
	} else if (server_is_draining(req->pool)) {
		err_set(err, E_BUSY, SERVER_DRAINING);
		rc = err_reason(err, SERVER_DRAINING);
	}
	if (rc == 0) {
		resp_send(req, "text/plain", "ready\n", 6);
		return 0;
	}
	resp_status(req, 503);
	resp_header(req, "Retry-After", RETRY_AFTER);
	if (err->reason != NULL)
		resp_header(req, SERVER_LACKS, err->reason);
	resp_send(req, "text/plain", err->text, strlen(err->text));
	return 0;
}

static int
get_metrics(struct req *req, struct err *err UNUSED)
{
	struct str text;

	str_init(&text, req->pool, METRICS_SIZE_MAX);
	metrics_draining(server_is_draining(req->pool));
	metrics_put(&text);
	resp_send(req, "text/plain; version=0.0.4", text.p, text.len);
	return 0;
}

/*
 * They ask for no permission: the web server says who may reach them, and
 * they tell no more than numbers.
 */
#define OWN_PERMISSION 1

/* clang-format off */
static const struct route own_routes[] = {
	ROUTE(livez, METHOD_GET | METHOD_HEAD, "/livez",
	    OWN_PERMISSION, ROUTE_BODY_NONE, get_live,
	    "does the program run")
	ROUTE(readyz, METHOD_GET | METHOD_HEAD, "/readyz",
	    OWN_PERMISSION, ROUTE_BODY_NONE, get_ready,
	    "is all there that it needs")
	ROUTE(metrics, METHOD_GET | METHOD_HEAD, "/metrics",
	    OWN_PERMISSION, ROUTE_BODY_NONE, get_metrics,
	    "counters in Prometheus' form")
};
/* clang-format on */

const struct route *
edge_own_routes(size_t *count_out)
{
	*count_out = COUNT_OF(own_routes);
	return own_routes;
}

static bool
is_request_id(const char *text)
{
	size_t n = strlen(text);

	return n >= 1 && n < REQ_ID_SIZE &&
	    strspn(text,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789._-") == n;
}

/* a thread's stock, so that not every request asks the kernel */
static void
new_id(unsigned char out[ID_BYTES])
{
	static _Thread_local unsigned char stock[64][ID_BYTES];
	static _Thread_local size_t left;

	if (left == 0) {
		rand_bytes(stock, sizeof(stock));
		left = COUNT_OF(stock);
	}
	memcpy(out, stock[--left], ID_BYTES);
}

static void
set_request_id(struct req *req)
{
	const char *given = req_header(req, "X_REQUEST_ID");
	unsigned char bytes[ID_BYTES];

	if (given != NULL && is_request_id(given)) {
		snprintf(req->id, sizeof(req->id), "%s", given);
	} else {
		new_id(bytes);
		enc_put_hex(req->id, bytes, sizeof(bytes));
	}
	req->log.request_id = req->id;
	resp_header(req, "X-Request-Id", req->id);
}

static void
begin(struct req *req, struct fcgi_io *io, struct pool *pool)
{
	*req = (struct req){ .pool = pool,
		.io = io,
		.status = 200,
		.method = METHOD_GET,
		.target = "",
		.started_us = time_monotonic_us() };
	set_request_id(req);
	req->remote =
	    proxy_client(&edge_proxies, pool, req_cgi(req, "REMOTE_ADDR"),
		req_header_list(req, "X_FORWARDED_FOR"));
	if (edge_server->prepare != NULL)
		edge_server->prepare(req);
}

static int
parse(struct req *req, struct err *err)
{
	const char *method = req_cgi(req, "REQUEST_METHOD");
	const char *target = req_cgi(req, "REQUEST_URI");
	int rc;

	if (method == NULL || !route_parse_method(method, &req->method))
		req->method = (enum method)0;
	if (target == NULL)
		return err_set(err, E_INVALID, "there is no address");
	if (strlen(target) > TARGET_MAX)
		return err_set(err, E_INVALID,
		    "the address is longer than %zu bytes", TARGET_MAX);
	req->target = target;
	rc = uri_parse(&req->uri, req->pool, target, err);
	if (rc == E_TOOBIG)
		resp_status(req, 414);
	return rc;
}

static int
refuse_method(struct req *req, unsigned allowed, struct err *err)
{
	struct str text;

	str_init(&text, req->pool, 256);
	route_put_methods(&text, allowed);
	resp_header(req, "Allow", text.p);
	resp_status(req, 405);
	return err->code;
}

static int
find_route(struct req *req, struct err *err)
{
	unsigned allowed;
	int rc =
	    route_find(req, own_routes, COUNT_OF(own_routes), &allowed, err);

	if (rc == E_NOTFOUND)
		rc = route_find(req, edge_server->routes,
		    edge_server->route_count, &allowed, err);
	if (rc == E_CONFLICT)
		return refuse_method(req, allowed, err);
	if (rc == E_NOTFOUND && req->method == 0)
		resp_status(req, 501);
	return rc;
}

static bool
is_own(const struct route *route)
{
	return route >= own_routes && route < own_routes + COUNT_OF(own_routes);
}

/* as the metrics count them: the component's, then ours, then none */
static size_t
route_index(const struct route *route)
{
	if (route == NULL)
		return edge_server->route_count + COUNT_OF(own_routes);
	if (is_own(route))
		return edge_server->route_count + (size_t)(route - own_routes);
	return (size_t)(route - edge_server->routes);
}

static int
handle(struct req *req, struct err *err)
{
	int rc = parse(req, err);

	if (rc == 0)
		rc = find_route(req, err);
	if (rc == 0)
		metrics_request_route(route_index(req->route));
	if (rc == 0 && !is_own(req->route))
		rc = edge_server->authorize(req, req->route->permission, err);
	if (rc == 0)
		rc = req->route->handler(req, err);
	if (rc == 0 && !req->head_sent)
		rc = err_set(err, E_INTERNAL, "there was no answer");
	if (rc == 0 && fcgi_io_is_broken(req->io))
		rc = err_set(err, E_ABORTED, "the client went away");
	if (rc == 0 && req->body_left > 0)
		rc = err_set(err, E_INTERNAL,
		    "the answer lacks %" PRIu64 " bytes", req->body_left);
	return rc;
}

static bool
has_header(const struct req *req, const char *name)
{
	for (size_t i = 0; i < req->header_count; i++)
		if (strcmp(req->headers[i].name, name) == 0)
			return true;
	return false;
}

/* an error after the head was sent can only be shown by a broken transfer */
static void
answer_error(struct req *req, const struct err *err)
{
	/* before there is a route, only a method has a status of its own */
	int status = req->route == NULL && req->status != 200
	    ? req->status
	    : status_of(err);

	if (req->head_sent) {
		fcgi_io_break(req->io);
		return;
	}
	resp_status(req, status);
	if ((status == 503 || status == 429) && !has_header(req, "Retry-After"))
		resp_header(req, "Retry-After", RETRY_AFTER);
	edge_server->put_error(req, err);
	if (!req->head_sent)
		resp_send(req, NULL, "", 0);
}

static const char *
log_path(const struct req *req)
{
	/* without the query: it may hold what is nobody's business */
	return pool_memdup(req->pool, req->target, strcspn(req->target, "?"));
}

static void
log_request(const struct req *req, const struct err *err, int status,
    int64_t duration_us)
{
	bool failed = err->code != 0;
	enum log_level level = err->code == E_INTERNAL ? LOG_ERROR : LOG_INFO;

	if (!log_is_on(level))
		return;
	/* what a client can make long comes last: a line has an end */
	log_event(&req->log, level, "request", LOG_NUMBER("status", status),
	    LOG_NUMBER("duration_us", duration_us),
	    LOG_NUMBER("bytes_in", req->bytes_in),
	    LOG_NUMBER("bytes_out", req->bytes_out),
	    LOG_TEXT("remote", req->remote), LOG_TEXT("actor", req->actor),
	    LOG_TEXT("route", req->route != NULL ? req->route->id : NULL),
	    LOG_TEXT("code", failed ? err_name(err->code) : NULL),
	    LOG_TEXT(
		"cause", failed && err->cause[0] != '\0' ? err->cause : NULL),
	    LOG_TEXT("error", failed ? err->text : NULL),
	    LOG_TEXT("method", req_cgi(req, "REQUEST_METHOD")),
	    LOG_TEXT("path", log_path(req)),
	    LOG_TEXT("user_agent", req_header(req, "USER_AGENT")));
}

static void
finish(const struct req *req, const struct err *err)
{
	int64_t duration_us = time_monotonic_us() - req->started_us;
	int status = err->code == E_ABORTED ? CLIENT_GONE : req->status;

	log_request(req, err, status, duration_us);
	metrics_request_end(route_index(req->route), req->method, status,
	    duration_us, req->bytes_in, req->bytes_out);
}

void
edge_serve(struct fcgi_io *io, struct pool *pool)
{
	struct err err = ERR_INIT;
	struct req *req = pool_alloc(pool, sizeof(*req));
	int rc;

	metrics_request_begin();
	begin(req, io, pool);
	rc = handle(req, &err);
	if (rc < 0) {
		err.code = (enum err_code)rc;
		answer_error(req, &err);
	} else {
		err_clear(&err);
	}
	finish(req, &err);
	pool_clear(pool);
}
