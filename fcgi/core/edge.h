/*
 * The way of a request through the core: parse, route, authorize, handle,
 * answer errors, log and count. The only place that makes HTTP of errors.
 */
#ifndef FCGI_CORE_EDGE_H
#define FCGI_CORE_EDGE_H

struct conf;
struct err;
struct fcgi_io;
struct pool;
struct route;
struct server;

/* Once in a worker, before its threads. */
int edge_init(
    const struct server *server, const struct conf *conf, struct err *err);

/* Routes that every program has: /livez, /readyz, /metrics. */
const struct route *edge_own_routes(size_t *count_out);

/* Serves the request that io holds; the pool is empty before and after. */
void edge_serve(struct fcgi_io *io, struct pool *pool);

#endif
