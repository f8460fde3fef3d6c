/* dtr-api: health of the node, and search. */
#include "common/base/base.h"

#include "common/conf/conf.h"
#include "common/model/model.h"
#include "fcgi/api/api.h"
#include "fcgi/core/metrics.h"
#include "fcgi/core/server.h"

static const struct route routes[] = {
#include "fcgi/api/routes.def"
};

#define BLOBS_HELP                                                      \
 "what the store keeps: an estimate of the live ones, of others 10000 " \
 "at most"

static const struct metric metrics[API_METRICS] = {
	[API_SEARCHES_USER] = { "api_searches_total", "by=\"user\"",
	    "searches for repositories", METRIC_COUNTER },
	[API_SEARCHES_ANONYMOUS] = { "api_searches_total", "by=\"anonymous\"",
	    "searches for repositories", METRIC_COUNTER },
	[API_SEARCHES_CUT] = { "api_searches_cut_total", "",
	    "searches that reached their maximum and may lack results",
	    METRIC_COUNTER },
	[API_IDENTITIES_GOOD] = { "api_identities_total", "result=\"good\"",
	    "callers whom dtr-garant was asked about", METRIC_COUNTER },
	[API_IDENTITIES_REFUSED] = { "api_identities_total",
	    "result=\"refused\"", "callers whom dtr-garant was asked about",
	    METRIC_COUNTER },
	[API_IDENTITIES_UNKNOWN] = { "api_identities_total",
	    "result=\"unknown\"", "callers whom dtr-garant was asked about",
	    METRIC_COUNTER },
	[API_UPLOADS] = { "dtr_uploads", "state=\"open\"",
	    "uploads that are not finished, 10000 at most", METRIC_GAUGE },
	[API_UPLOADS_EXPIRED] = { "dtr_uploads", "state=\"expired\"",
	    "uploads that are not finished, 10000 at most", METRIC_GAUGE },
	[API_OBJECTS] = { "dtr_gc_queue_length", "of=\"objects\"",
	    "what waits for garbage collection, 10000 at most", METRIC_GAUGE },
	[API_REVIEWS] = { "dtr_gc_queue_length", "of=\"reviews\"",
	    "what waits for garbage collection, 10000 at most", METRIC_GAUGE },
	[API_OBJECTS_OVERDUE] = { "dtr_gc_overdue_seconds", "of=\"objects\"",
	    "since the first of it was due", METRIC_GAUGE },
	[API_REVIEWS_OVERDUE] = { "dtr_gc_overdue_seconds", "of=\"reviews\"",
	    "since the first of it was due", METRIC_GAUGE },
	[API_BLOBS_UPLOADING] = { "dtr_blobs", "state=\"uploading\"",
	    BLOBS_HELP, METRIC_GAUGE },
	[API_BLOBS_LIVE] = { "dtr_blobs", "state=\"live\"", BLOBS_HELP,
	    METRIC_GAUGE },
	[API_BLOBS_DOOMED] = { "dtr_blobs", "state=\"doomed\"", BLOBS_HELP,
	    METRIC_GAUGE },
	[API_FREED_BYTES] = { "dtr_gc_freed_bytes_total", "",
	    "bytes that garbage collection of all nodes removed from the store",
	    METRIC_TOTAL },
	[API_CLUSTER_READY] = { "dtr_database_ready", "",
	    "the database serves; with Galera, wsrep_ready", METRIC_GAUGE },
	[API_CLUSTER_NODES] = { "dtr_galera_nodes", "",
	    "nodes of the cluster, 0 without Galera", METRIC_GAUGE },
	[API_CLUSTER_RECEIVED] = { "dtr_galera_receive_queue", "",
	    "changes of other nodes that this one has not applied",
	    METRIC_GAUGE },
};

static size_t
pools(const struct conf *conf, struct server_pool out[SERVER_POOLS_MAX])
{
	out[0] = (struct server_pool){ .name = "api",
		.socket = conf->api_socket,
		.workers = (unsigned)conf->api_workers,
		.threads = (unsigned)conf->api_threads };
	return 1;
}

int
main(int argc, char **argv)
{
	static const struct server server = {
		.program = "dtr-api",
		.version = PACKAGE_VERSION,
		.routes = routes,
		.route_count = COUNT_OF(routes),
		.metrics = metrics,
		.metric_count = API_METRICS,
		.pools = pools,
		.check = model_check_conf,
		.start = api_start,
		.stop = api_stop,
		.tick = api_tick,
		.authorize = api_authorize,
		.put_error = api_put_error,
		.ready = api_ready,
		.check_limits = api_check_limits,
	};

	return server_main(&server, argc, argv);
}
