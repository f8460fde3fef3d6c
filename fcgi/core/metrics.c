#include "common/base/base.h"
#include "fcgi/core/metrics.h"

#include <stdatomic.h>
#include <sys/mman.h>

#include "common/base/str.h"
#include "common/base/time.h"
#include "fcgi/core/metrics_private.h"
#include "fcgi/core/server.h"

#define ROUTES_MAX  256
#define OWN_MAX     64
#define METHODS     7 /* the last one is none that we know */
#define BUCKETS_MAX 15

/* statuses that are answered; another one counts as its hundred */
static const int statuses[] = { 200, 201, 202, 204, 206, 304, 400, 401, 403,
	404, 405, 409, 412, 413, 414, 416, 429, 499, 500, 501, 503, 507 };

/*
 * Upper bounds. Docker's registry has the same names, and of the sizes every
 * second bound: dashboards and rules that were made for it go on.
 */
static const uint64_t durations_us[] = { 1000, 2500, 5000, 10000, 25000, 50000,
	100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000,
	60000000 };
static const uint64_t sizes[] = { 1U << 10, 1U << 12, 1U << 14, 1U << 16,
	1U << 18, 1U << 20, 1U << 22, 1U << 24, 1U << 26, 1U << 28, 1U << 30,
	UINT64_C(1) << 32 };

struct histogram {
	atomic_uint_fast64_t bucket[BUCKETS_MAX + 1];
	atomic_uint_fast64_t sum;
};

/* of one method of one route */
struct counters {
	atomic_uint_fast64_t requests[COUNT_OF(statuses)];
	struct histogram duration_us;
	struct histogram bytes_in;
	struct histogram bytes_out;
};

/* one of the component's */
struct own {
	atomic_int_fast64_t value;
	atomic_int_fast64_t count; /* of summaries; else 1 once it was set */
};

/* of one worker: gauges that end with it */
struct slot {
	_Alignas(64) atomic_int_fast64_t in_flight[ROUTES_MAX];
};

struct shared {
	struct counters routes[ROUTES_MAX][METHODS];
	struct own own[OWN_MAX];
	struct slot slots[METRICS_SLOTS];
	atomic_size_t slots_used; /* all behind are zero and never looked at */
	atomic_uint_fast64_t worker_restarts;
	int64_t started_s;
	atomic_int_fast64_t ready; /* as /readyz last said; -1: never asked */
	atomic_int_fast64_t ready_asked_s;
	atomic_int_fast64_t draining;
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
	atomic_store(&metrics_shared->ready, -1);
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
	size_t used = atomic_load(&metrics_shared->slots_used);

	ASSERT(slot < METRICS_SLOTS);
	metrics_slot = slot;
	while (used <= slot &&
	    !atomic_compare_exchange_weak(
		&metrics_shared->slots_used, &used, slot + 1))
		continue;
}

void
metrics_clear_slot(size_t slot)
{
	for (size_t r = 0; r < ROUTES_MAX; r++)
		atomic_store(&metrics_shared->slots[slot].in_flight[r], 0);
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
	    &metrics_shared->own[index].value, n, memory_order_relaxed);
}

void
metric_set(size_t index, int64_t n)
{
	atomic_store(&metrics_shared->own[index].value, n);
	atomic_store(&metrics_shared->own[index].count, 1);
}

void
metric_observe(size_t index, int64_t us)
{
	metric_add(index, us);
	atomic_fetch_add_explicit(
	    &metrics_shared->own[index].count, 1, memory_order_relaxed);
}

void
metrics_ready(bool is_ready)
{
	atomic_store(&metrics_shared->ready_asked_s, time_now_s());
	atomic_store(&metrics_shared->ready, is_ready);
}

void
metrics_draining(bool is_draining)
{
	atomic_store(&metrics_shared->draining, is_draining);
}

static void
add_in_flight(size_t route, int64_t n)
{
	atomic_fetch_add_explicit(
	    &metrics_shared->slots[metrics_slot].in_flight[route], n,
	    memory_order_relaxed);
}

void
metrics_request_begin(void)
{
	add_in_flight(route_count() - 1, 1);
}

void
metrics_request_route(size_t route)
{
	add_in_flight(route_count() - 1, -1);
	add_in_flight(route, 1);
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

static void
observe(struct histogram *h, const uint64_t *bounds, size_t count, uint64_t n)
{
	size_t bucket = 0;

	while (bucket < count && n > bounds[bucket])
		bucket++;
	add(&h->bucket[bucket], 1);
	add(&h->sum, n);
}

void
metrics_request_end(size_t route, unsigned method, int status,
    int64_t duration_us, uint64_t bytes_in, uint64_t bytes_out)
{
	size_t m = method == 0 ? METHODS - 1 : (size_t)__builtin_ctz(method);
	struct counters *c = &metrics_shared->routes[route][m];

	add(&c->requests[status_index(status)], 1);
	observe(&c->duration_us, durations_us, COUNT_OF(durations_us),
	    duration_us > 0 ? (uint64_t)duration_us : 0);
	observe(&c->bytes_in, sizes, COUNT_OF(sizes), bytes_in);
	observe(&c->bytes_out, sizes, COUNT_OF(sizes), bytes_out);
	add_in_flight(route, -1);
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

/* a method of a route that nobody used yet has no lines */
static bool
is_used(size_t r, size_t m)
{
	const struct counters *c = &metrics_shared->routes[r][m];

	for (size_t b = 0; b <= BUCKETS_MAX; b++)
		if (atomic_load(&c->duration_us.bucket[b]) > 0)
			return true;
	return false;
}

static void
put_requests(struct str *out, size_t r, size_t m)
{
	for (size_t s = 0; s < COUNT_OF(statuses); s++) {
		uint64_t n =
		    atomic_load(&metrics_shared->routes[r][m].requests[s]);

		if (n > 0)
			str_printf(out,
			    "registry_http_requests_total{handler=\"%s\","
			    "method=\"%s\",code=\"%d\"} %" PRIu64 "\n",
			    route_id(r), method_name(m), statuses[s], n);
	}
}

/* one kind of histogram, which every method of every route has */
struct kind {
	const char *name;
	const char *help;
	size_t offset; /* in struct counters */
	const uint64_t *bounds;
	size_t count;
	double unit;
};

static const struct kind kinds[] = {
	{ "registry_http_request_duration_seconds", "time to answer",
	    offsetof(struct counters, duration_us), durations_us,
	    COUNT_OF(durations_us), 1e6 },
	{ "registry_http_request_size_bytes", "bodies received",
	    offsetof(struct counters, bytes_in), sizes, COUNT_OF(sizes), 1 },
	{ "registry_http_response_size_bytes",
	    "bodies sent by the program, not by the web server for it",
	    offsetof(struct counters, bytes_out), sizes, COUNT_OF(sizes), 1 },
};

static void
put_histogram(struct str *out, const struct kind *kind, size_t r, size_t m)
{
	const struct histogram *h =
	    (const void *)((const char *)&metrics_shared->routes[r][m] +
		kind->offset);
	char labels[128];
	uint64_t sum = 0;

	snprintf(labels, sizeof(labels), "handler=\"%s\",method=\"%s\"",
	    route_id(r), method_name(m));
	for (size_t b = 0; b <= kind->count; b++) {
		sum += atomic_load(&h->bucket[b]);
		str_printf(out, "%s_bucket{%s,le=\"", kind->name, labels);
		if (b < kind->count)
			str_printf(
			    out, "%.10g", (double)kind->bounds[b] / kind->unit);
		else
			str_puts(out, "+Inf");
		str_printf(out, "\"} %" PRIu64 "\n", sum);
	}
	str_printf(out, "%s_sum{%s} %.16g\n%s_count{%s} %" PRIu64 "\n",
	    kind->name, labels, (double)atomic_load(&h->sum) / kind->unit,
	    kind->name, labels, sum);
}

static void
put_http(struct str *out)
{
	put_help(out, "registry_http_requests_total", "counter",
	    "requests by handler, method and status");
	for (size_t r = 0; r < route_count(); r++)
		for (size_t m = 0; m < METHODS; m++)
			put_requests(out, r, m);
	for (size_t k = 0; k < COUNT_OF(kinds); k++) {
		put_help(out, kinds[k].name, "histogram", kinds[k].help);
		for (size_t r = 0; r < route_count(); r++)
			for (size_t m = 0; m < METHODS; m++)
				if (is_used(r, m))
					put_histogram(out, &kinds[k], r, m);
	}
}

static bool
is_route_used(size_t r)
{
	for (size_t m = 0; m < METHODS; m++)
		if (is_used(r, m))
			return true;
	return false;
}

static void
put_in_flight(struct str *out)
{
	size_t used = atomic_load(&metrics_shared->slots_used);

	put_help(out, "registry_http_in_flight_requests", "gauge",
	    "requests that are served now, by handler");
	for (size_t r = 0; r < route_count(); r++) {
		int64_t n = 0;

		for (size_t i = 0; i < used; i++)
			n +=
			    atomic_load(&metrics_shared->slots[i].in_flight[r]);
		if (n != 0 || is_route_used(r))
			str_printf(out,
			    "registry_http_in_flight_requests{handler=\"%s\"} "
			    "%" PRId64 "\n",
			    route_id(r), n);
	}
}

static void
put_number(struct str *out, const char *name, const char *type,
    const char *help, int64_t n)
{
	put_help(out, name, type, help);
	str_printf(out, "%s %" PRId64 "\n", name, n);
}

static void
put_process(struct str *out)
{
	int64_t ready = atomic_load(&metrics_shared->ready);

	put_number(out, "dtr_worker_restarts_total", "counter",
	    "workers that died and were started again",
	    (int64_t)atomic_load(&metrics_shared->worker_restarts));
	put_number(out, "dtr_draining", "gauge",
	    "1 while dtr drain is on for this node",
	    atomic_load(&metrics_shared->draining));
	if (ready >= 0) {
		put_number(out, "dtr_ready", "gauge",
		    "1 if /readyz last said ready, 0 if not", ready);
		put_number(out, "dtr_ready_asked_timestamp_seconds", "gauge",
		    "when /readyz was last asked, since 1970",
		    atomic_load(&metrics_shared->ready_asked_s));
	}
	put_number(out, "process_start_time_seconds", "gauge",
	    "when the program started, since 1970", metrics_shared->started_s);
	put_help(out, "dtr_build_info", "gauge", "version of the program");
	str_printf(out, "dtr_build_info{program=\"%s\",version=\"%s\"} 1\n",
	    metrics_server->program, metrics_server->version);
}

static void
put_sample(struct str *out, const struct metric *m, const char *end)
{
	str_printf(out, "%s%s%s%s%s ", m->name, end,
	    m->labels[0] != '\0' ? "{" : "", m->labels,
	    m->labels[0] != '\0' ? "}" : "");
}

static void
put_own_values(struct str *out, const struct metric *m, struct own *own)
{
	int64_t count = atomic_load(&own->count);
	int64_t value = atomic_load(&own->value);

	if (m->type == METRIC_TOTAL && count == 0)
		return;
	if (m->type != METRIC_SUMMARY) {
		put_sample(out, m, "");
		str_printf(out, "%" PRId64 "\n", value);
		return;
	}
	put_sample(out, m, "_sum");
	str_printf(out, "%.16g\n", (double)value / TIME_SECOND);
	put_sample(out, m, "_count");
	str_printf(out, "%" PRId64 "\n", count);
}

static void
put_own(struct str *out)
{
	static const char *const types[] = { [METRIC_COUNTER] = "counter",
		[METRIC_GAUGE] = "gauge",
		[METRIC_TOTAL] = "counter",
		[METRIC_SUMMARY] = "summary" };
	const char *last = "";

	for (size_t i = 0; i < metrics_server->metric_count; i++) {
		const struct metric *m = &metrics_server->metrics[i];

		if (strcmp(m->name, last) != 0)
			put_help(out, m->name, types[m->type], m->help);
		last = m->name;
		put_own_values(out, m, &metrics_shared->own[i]);
	}
}

void
metrics_put(struct str *out)
{
	put_http(out);
	put_in_flight(out);
	put_process(out);
	put_own(out);
}
