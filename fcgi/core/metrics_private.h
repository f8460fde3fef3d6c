/* The core's side of the counters (metrics.h is the component's). */
#ifndef FCGI_CORE_METRICS_PRIVATE_H
#define FCGI_CORE_METRICS_PRIVATE_H

struct route;
struct server;
struct str;

/* Worker processes that can be alive at once, old and new ones together. */
#define METRICS_SLOTS 512

/* Maps the shared memory; once in the master, before the first fork. */
void metrics_init(const struct server *server,
    const struct route *core_routes, size_t core_route_count);

/* In a worker: which slot its gauges are in. */
void metrics_use_slot(size_t slot);
/* In the master: a worker is gone, and what it counted as running. */
void metrics_clear_slot(size_t slot);

/*
 * route: index in the component's table, and behind it in the core's; behind
 * both for a request without a route. method 0: none that we know.
 */
void metrics_request_begin(void);
void metrics_request_route(size_t route); /* once, when it is known */
void metrics_request_end(size_t route, unsigned method, int status,
    int64_t duration_us, uint64_t bytes_in, uint64_t bytes_out);
void metrics_worker_died(void);
/* What /readyz answered. */
void metrics_ready(bool is_ready);

/* Is the node out of its load balancer? */
void metrics_draining(bool is_draining);

/* All of it in Prometheus' text form. */
void metrics_put(struct str *out);

#endif
