#include "common/base/base.h"
#include "fcgi/core/metrics.h"

#include <stdatomic.h>
#include <sys/mman.h>

#include "common/base/str.h"
#include "common/base/time.h"
#include "fcgi/core/metrics_private.h"
#include "fcgi/core/server.h"

#define ROUTES_MAX 64
#define OWN_MAX    64
#define METHODS    7 /* the last one is none that we know */

/* statuses that are answered; another one counts as its hundred */
static const int statuses[] = { 200, 201, 202, 204, 206, 304, 400, 401, 403,
	404, 405, 409, 412, 413, 414, 416, 429, 499, 500, 501, 503, 507 };

/* upper bounds in microseconds */
static const int64_t buckets[] = { 1000, 2500, 5000, 10000, 25000, 50000,
	100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000,
	60000000 };

struct route_counters {
	atomic_uint_fast64_t requests[METHODS][COUNT_OF(statuses)];
	atomic_uint_fast64_t bucket[COUNT_OF(buckets) + 1];
	atomic_uint_fast64_t duration_us;
	atomic_uint_fast64_t bytes_in;
	atomic_uint_fast64_t bytes_out;
};

struct shared {
	struct route_counters routes[ROUTES_MAX];
	atomic_int_fast64_t own[OWN_MAX];
	/* a cache line each: they are written for every request */
	struct {
		_Alignas(64) atomic_int_fast64_t n;
	} in_flight[METRICS_SLOTS];
	atomic_uint_fast64_t worker_restarts;
	int64_t started_s;
};

static struct shared *metrics_shared;
static const struct server *metrics_server;
static const struct route *metrics_core_routes;
static size_t metrics_core_route_count;
static size_t metrics_slot;

void
metrics_init(const struct server *server, const struct route *core_routes,
    size_t core_route_count)
{
	/* one more for requests without a route */
	ASSERT(server->route_count + core_route_count < ROUTES_MAX &&
	    server->metric_count <= OWN_MAX);
	metrics_server = server;
	metrics_core_routes = core_routes;
	metrics_core_route_count = core_route_count;
	metrics_shared = mmap(NULL, sizeof(*metrics_shared),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(metrics_shared != MAP_FAILED);
	metrics_shared->started_s = time_now_s();
}

static size_t
route_count(void)
{
	return metrics_server->route_count + metrics_core_route_count + 1;
}

static const char *
route_id(size_t route)
{
	if (route < metrics_server->route_count)
		return metrics_server->routes[route].id;
	route -= metrics_server->route_count;
	return route < metrics_core_route_count ? metrics_core_routes[route].id
						: "none";
}

void
metrics_use_slot(size_t slot)
{
	ASSERT(slot < METRICS_SLOTS);
	metrics_slot = slot;
}

void
metrics_clear_slot(size_t slot)
{
	atomic_store(&metrics_shared->in_flight[slot].n, 0);
}

void
metrics_worker_died(void)
{
	atomic_fetch_add(&metrics_shared->worker_restarts, 1);
}

void
metric_add(size_t index, int64_t n)
{
	atomic_fetch_add_explicit(
	    &metrics_shared->own[index], n, memory_order_relaxed);
}

void
metric_set(size_t index, int64_t n)
{
	atomic_store(&metrics_shared->own[index], n);
}

void
metrics_request_begin(void)
{
	atomic_fetch_add_explicit(&metrics_shared->in_flight[metrics_slot].n, 1,
	    memory_order_relaxed);
}

static size_t
status_index(int status)
{
	size_t near = 0;

	for (size_t i = 0; i < COUNT_OF(statuses); i++) {
		if (statuses[i] == status)
			return i;
		if (statuses[i] / 100 == status / 100 &&
		    statuses[near] / 100 != status / 100)
			near = i;
	}
	return near;
}

static void
add(atomic_uint_fast64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

void
metrics_request_end(size_t route, unsigned method, int status,
    int64_t duration_us, uint64_t bytes_in, uint64_t bytes_out)
{
	struct route_counters *c = &metrics_shared->routes[route];
	size_t bucket = 0;
	size_t m = method == 0 ? METHODS - 1 : (size_t)__builtin_ctz(method);

	while (bucket < COUNT_OF(buckets) && duration_us > buckets[bucket])
		bucket++;
	add(&c->requests[m][status_index(status)], 1);
	add(&c->bucket[bucket], 1);
	add(&c->duration_us, (uint64_t)duration_us);
	add(&c->bytes_in, bytes_in);
	add(&c->bytes_out, bytes_out);
	atomic_fetch_sub_explicit(&metrics_shared->in_flight[metrics_slot].n, 1,
	    memory_order_relaxed);
}

static void
put_help(struct str *out, const char *name, const char *type, const char *help)
{
	str_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static const char *
method_name(size_t m)
{
	return route_method_name((enum method)(m < METHODS - 1 ? 1 << m : 0));
}

static void
put_requests(struct str *out, size_t r)
{
	for (size_t m = 0; m < METHODS; m++)
		for (size_t s = 0; s < COUNT_OF(statuses); s++) {
			uint64_t n = atomic_load(
			    &metrics_shared->routes[r].requests[m][s]);

			if (n > 0)
				str_printf(out,
				    "registry_http_requests_total{handler="
				    "\"%s\",method=\"%s\",code=\"%d\"} "
				    "%" PRIu64 "\n",
				    route_id(r), method_name(m), statuses[s],
				    n);
		}
}

static void
put_duration(struct str *out, size_t r)
{
	const struct route_counters *c = &metrics_shared->routes[r];
	uint64_t sum = 0;

	for (size_t b = 0; b <= COUNT_OF(buckets); b++) {
		sum += atomic_load(&c->bucket[b]);
		str_printf(out,
		    "registry_http_request_duration_seconds_bucket{handler="
		    "\"%s\",le=\"",
		    route_id(r));
		if (b < COUNT_OF(buckets))
			str_printf(out, "%g", (double)buckets[b] / 1e6);
		else
			str_puts(out, "+Inf");
		str_printf(out, "\"} %" PRIu64 "\n", sum);
	}
	str_printf(out,
	    "registry_http_request_duration_seconds_sum{handler=\"%s\"} "
	    "%.6f\n"
	    "registry_http_request_duration_seconds_count{handler=\"%s\"} "
	    "%" PRIu64 "\n",
	    route_id(r), (double)atomic_load(&c->duration_us) / 1e6,
	    route_id(r), sum);
}

static void
put_size(struct str *out, const char *name, size_t r,
    const atomic_uint_fast64_t *bytes)
{
	str_printf(out, "%s{handler=\"%s\"} %" PRIu64 "\n", name, route_id(r),
	    (uint64_t)atomic_load(bytes));
}

/* a route that nobody asked for yet has no lines */
static bool
is_used(size_t r)
{
	for (size_t b = 0; b <= COUNT_OF(buckets); b++)
		if (atomic_load(&metrics_shared->routes[r].bucket[b]) > 0)
			return true;
	return false;
}

static void
put_http(struct str *out)
{
	static const char in[] = "registry_http_request_size_bytes_total";
	static const char sent[] = "registry_http_response_size_bytes_total";

	put_help(out, "registry_http_requests_total", "counter",
	    "requests by handler, method and status");
	for (size_t r = 0; r < route_count(); r++)
		put_requests(out, r);
	put_help(out, "registry_http_request_duration_seconds", "histogram",
	    "time to answer");
	for (size_t r = 0; r < route_count(); r++)
		if (is_used(r))
			put_duration(out, r);
	put_help(out, in, "counter", "bytes of bodies received");
	for (size_t r = 0; r < route_count(); r++)
		if (is_used(r))
			put_size(
			    out, in, r, &metrics_shared->routes[r].bytes_in);
	put_help(out, sent, "counter", "bytes of bodies sent by the program");
	for (size_t r = 0; r < route_count(); r++)
		if (is_used(r))
			put_size(
			    out, sent, r, &metrics_shared->routes[r].bytes_out);
}

static void
put_process(struct str *out)
{
	int64_t in_flight = 0;

	for (size_t i = 0; i < METRICS_SLOTS; i++)
		in_flight += atomic_load(&metrics_shared->in_flight[i].n);
	put_help(out, "registry_http_in_flight_requests", "gauge",
	    "requests that are served now");
	str_printf(
	    out, "registry_http_in_flight_requests %" PRId64 "\n", in_flight);
	put_help(out, "dtr_worker_restarts_total", "counter",
	    "workers that died and were started again");
	str_printf(out, "dtr_worker_restarts_total %" PRIu64 "\n",
	    (uint64_t)atomic_load(&metrics_shared->worker_restarts));
	put_help(out, "process_start_time_seconds", "gauge",
	    "when the program started, since 1970");
	str_printf(out, "process_start_time_seconds %" PRId64 "\n",
	    metrics_shared->started_s);
	put_help(out, "dtr_build_info", "gauge", "version of the program");
	str_printf(out, "dtr_build_info{program=\"%s\",version=\"%s\"} 1\n",
	    metrics_server->program, metrics_server->version);
}

static void
put_own(struct str *out)
{
	const char *last = "";

	for (size_t i = 0; i < metrics_server->metric_count; i++) {
		const struct metric *m = &metrics_server->metrics[i];

		if (strcmp(m->name, last) != 0)
			put_help(out, m->name,
			    m->type == METRIC_COUNTER ? "counter" : "gauge",
			    m->help);
		last = m->name;
		str_printf(out, "%s%s%s%s %" PRId64 "\n", m->name,
		    m->labels[0] != '\0' ? "{" : "", m->labels,
		    m->labels[0] != '\0' ? "}" : "",
		    (int64_t)atomic_load(&metrics_shared->own[i]));
	}
}

void
metrics_put(struct str *out)
{
	put_http(out);
	put_process(out);
	put_own(out);
}
