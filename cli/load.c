#include "common/base/base.h"
#include "cli/load.h"

#include "common/conf/conf.h"

struct load
load_of(const struct conf *conf, unsigned cores)
{
	const struct {
		int64_t workers;
		int64_t threads;
	} pools[] = {
		{ conf_registry_workers(conf, cores),
		    conf_registry_threads(conf) },
		{ conf->registry_upload_workers,
		    conf->registry_upload_threads },
		{ conf->garant_workers, conf->garant_threads },
		{ conf->api_workers, conf->api_threads },
	};
	struct load load = { 0 };

	for (size_t i = 0; i < COUNT_OF(pools); i++) {
		unsigned threads = (unsigned)pools[i].threads;
		unsigned workers =
		    pools[i].workers > 0 ? (unsigned)pools[i].workers : cores;

		load.workers += workers;
		load.threads += workers * threads;
	}
	load.connections = load.workers * (unsigned)conf->db_connections;
	return load;
}
