#include "common/base/base.h"
#include "common/conf/load.h"

#include "common/conf/conf.h"

unsigned
load_cores(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return cores > 0 ? (unsigned)cores : 1;
}

struct load
load_of(const struct conf *conf, const char *program, unsigned cores)
{
	const struct {
		const char *program;
		int64_t workers;
		int64_t threads;
	} pools[] = {
		{ "registry", conf_registry_workers(conf, cores),
		    conf_registry_threads(conf) },
		{ "registry", conf->registry_upload_workers,
		    conf->registry_upload_threads },
		{ "garant", conf->garant_workers, conf->garant_threads },
		{ "api", conf->api_workers, conf->api_threads },
	};
	struct load load = { 0 };

	for (size_t i = 0; i < COUNT_OF(pools); i++) {
		unsigned threads = (unsigned)pools[i].threads;
		unsigned workers =
		    pools[i].workers > 0 ? (unsigned)pools[i].workers : cores;

		if (program != NULL && strcmp(program, pools[i].program) != 0)
			continue;
		load.workers += workers;
		load.threads += workers * threads;
	}
	load.connections = load.workers * (unsigned)conf->db_connections;
	return load;
}
