/* dtr-registry: the OCI and Docker registry protocol. */
#include "common/base/base.h"

#include "common/conf/conf.h"
#include "common/conf/load.h"
#include "common/model/model.h"
#include "fcgi/core/metrics.h"
#include "fcgi/core/server.h"
#include "fcgi/registry/auth.h"
#include "fcgi/registry/regerr.h"
#include "fcgi/registry/pull_log.h"
#include "fcgi/registry/registry.h"

static const struct route routes[] = {
#include "fcgi/registry/routes.def"
};

#define STORAGE(action, label)                                        \
 [REGISTRY_STORAGE + (action)] = { "registry_storage_action_seconds", \
	 "driver=\"filesystem\",action=\"" label "\"",                \
	 "what the store of blobs did", METRIC_SUMMARY }

static const struct metric metrics[REGISTRY_METRICS] = {
	[REGISTRY_BLOB_BYTES_IN] = { "registry_upload_bytes_total", "",
	    "bytes of blobs received", METRIC_COUNTER },
	[REGISTRY_BLOB_BYTES_OUT] = { "registry_download_bytes_total",
	    "sender=\"program\"", "bytes of blobs to send", METRIC_COUNTER },
	[REGISTRY_BLOB_BYTES_HANDED_OVER] = { "registry_download_bytes_total",
	    "sender=\"web_server\"", "bytes of blobs to send", METRIC_COUNTER },
	[REGISTRY_BLOBS_PUSHED] = { "registry_blobs_pushed_total", "",
	    "uploads that became a blob", METRIC_COUNTER },
	[REGISTRY_BLOBS_MOUNTED] = { "registry_blobs_mounted_total", "",
	    "blobs taken over from another repository", METRIC_COUNTER },
	[REGISTRY_MANIFESTS_PUSHED] = { "registry_manifests_pushed_total", "",
	    "manifests stored", METRIC_COUNTER },
	[REGISTRY_UPLOADS_STARTED] = { "registry_uploads_started_total", "",
	    "uploads begun", METRIC_COUNTER },
	[REGISTRY_UPLOADS_ABORTED] = { "registry_uploads_aborted_total", "",
	    "upload requests whose client went away", METRIC_COUNTER },
	[REGISTRY_TOKENS_VERIFIED] = { "registry_tokens_total",
	    "result=\"verified\"", "tokens seen for the first time",
	    METRIC_COUNTER },
	[REGISTRY_TOKENS_REFUSED] = { "registry_tokens_total",
	    "result=\"refused\"", "tokens seen for the first time",
	    METRIC_COUNTER },
	[REGISTRY_REQUESTS_LIMITED] = { "registry_requests_limited_total", "",
	    "requests refused with 429", METRIC_COUNTER },
	[REGISTRY_PULLS_LOST] = { "registry_pulls_lost_total", "",
	    "pulls that could not be recorded", METRIC_COUNTER },
	[REGISTRY_CACHE_REQUESTS] = { "registry_storage_cache_requests_total",
	    "", "manifests that were looked for in memory", METRIC_COUNTER },
	[REGISTRY_CACHE_HITS] = { "registry_storage_cache_hits_total", "",
	    "manifests that were found in memory", METRIC_COUNTER },
	[REGISTRY_HASH] = { "registry_hash_seconds", "",
	    "pieces of uploads that were hashed", METRIC_SUMMARY },
	STORAGE(BLOB_OPEN, "open"),
	STORAGE(BLOB_WRITE, "write"),
	STORAGE(BLOB_SYNC, "sync"),
	STORAGE(BLOB_READ, "read"),
	STORAGE(BLOB_REMOVE, "remove"),
};

static size_t
pools(const struct conf *conf, struct server_pool out[SERVER_POOLS_MAX])
{
	out[0] = (struct server_pool){ .name = "registry",
		.socket = conf->registry_socket,
		.workers = conf_registry_workers(conf, load_cores()),
		.threads = conf_registry_threads(conf) };
	out[1] = (struct server_pool){ .name = "registry-upload",
		.socket = conf->registry_upload_socket,
		.workers = (unsigned)conf->registry_upload_workers,
		.threads = (unsigned)conf->registry_upload_threads };
	return 2;
}

/* Docker's oldest clients look for it before they speak version 2 */
static void
prepare(struct req *req)
{
	resp_header(req, "Docker-Distribution-Api-Version", "registry/2.0");
}

int
main(int argc, char **argv)
{
	static const struct server server = {
		.program = "dtr-registry",
		.version = PACKAGE_VERSION,
		.routes = routes,
		.route_count = COUNT_OF(routes),
		.metrics = metrics,
		.metric_count = REGISTRY_METRICS,
		.pools = pools,
		.check = model_check_conf,
		.start = registry_start,
		.finish = pull_log_stop,
		.stop = registry_stop,
		.authorize = auth_authorize,
		.put_error = regerr_put,
		.prepare = prepare,
		.ready = registry_ready,
		.check_limits = registry_check_limits,
		.tick = registry_tick,
	};

	return server_main(&server, argc, argv);
}
