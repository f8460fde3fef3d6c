/* dtr-garant: accounts, logins and registry tokens. */
#include "common/base/base.h"

#include "common/conf/conf.h"
#include "common/model/model.h"
#include "fcgi/core/metrics.h"
#include "fcgi/core/server.h"
#include "fcgi/garant/garant.h"

static const struct route routes[] = {
#include "fcgi/garant/routes.def"
};

static const struct metric metrics[GARANT_METRICS] = {
	[GARANT_TOKENS_USER] = { "garant_tokens_issued_total",
	    "to=\"user\"", "registry tokens issued", METRIC_COUNTER },
	[GARANT_TOKENS_ANONYMOUS] = { "garant_tokens_issued_total",
	    "to=\"anonymous\"", "registry tokens issued", METRIC_COUNTER },
	[GARANT_LOGINS_GOOD] = { "garant_logins_total", "result=\"good\"",
	    "logins by password or access token", METRIC_COUNTER },
	[GARANT_LOGINS_CACHED] = { "garant_logins_total",
	    "result=\"remembered\"", "logins by password or access token",
	    METRIC_COUNTER },
	[GARANT_LOGINS_WRONG] = { "garant_logins_total", "result=\"wrong\"",
	    "logins by password or access token", METRIC_COUNTER },
	[GARANT_LOGINS_DELAYED] = { "garant_logins_total",
	    "result=\"delayed\"", "logins by password or access token",
	    METRIC_COUNTER },
	[GARANT_LOGINS_BUSY] = { "garant_logins_total", "result=\"busy\"",
	    "logins by password or access token", METRIC_COUNTER },
};

static size_t
pools(const struct conf *conf, struct server_pool out[SERVER_POOLS_MAX])
{
	out[0] = (struct server_pool){ .name = "garant",
		.socket = conf->garant_socket,
		.workers = (unsigned)conf->garant_workers,
		.threads = (unsigned)conf->garant_threads };
	return 1;
}

int
main(int argc, char **argv)
{
	static const struct server server = {
		.program = "dtr-garant",
		.version = PACKAGE_VERSION,
		.routes = routes,
		.route_count = COUNT_OF(routes),
		.metrics = metrics,
		.metric_count = GARANT_METRICS,
		.pools = pools,
		.check = model_check_conf,
		.start = garant_start,
		.stop = garant_stop,
		.authorize = garant_authorize,
		.put_error = garant_put_error,
		.ready = garant_ready,
		.check_limits = garant_check_limits,
		.tick = garant_tick,
	};

	return server_main(&server, argc, argv);
}
