#include "common/base/base.h"
#include "fcgi/registry/registry.h"

#include "common/base/err.h"
#include "common/blob/blob.h"
#include "common/conf/conf.h"
#include "common/model/connections.h"
#include "common/model/model.h"
#include "common/model/setting.h"
#include "fcgi/core/cache.h"
#include "fcgi/core/metrics.h"
#include "fcgi/core/server.h"
#include "fcgi/registry/pull_log.h"
#include "fcgi/registry/token_keys.h"

#define TOKEN_CACHE_SIZE ((size_t)4 << 20)

struct registry registry;

static void
count_action(enum blob_action action, int64_t us)
{
	metric_observe(REGISTRY_STORAGE + action, us);
}

int
registry_start(const struct conf *conf, struct err *err)
{
	int rc = model_open(conf, "registry", &registry.db, err);

	if (rc == 0)
		rc = blob_store_open(&registry.store, conf, err);
	if (rc < 0)
		return rc;
	blob_store_observe(registry.store, count_action);
	registry.conf = conf;
	registry.service = conf_service(conf);
	registry.tokens = cache_new(TOKEN_CACHE_SIZE);
	registry.manifests = cache_new((size_t)conf->registry_manifest_cache);
	pull_log_start();
	return 0;
}

void
registry_stop(void)
{
	token_keys_stop();
	cache_free(&registry.manifests);
	cache_free(&registry.tokens);
	blob_store_close(&registry.store);
	db_free(&registry.db);
}

/* a database that is away is seen and reported by the requests */
void
registry_tick(void)
{
	struct err err;

	if (settings_refresh(registry.db, &err) < 0)
		err_clear(&err);
}

int
registry_ready(struct err *err)
{
	uint64_t free_bytes;
	int rc = db_check(registry.db, err);

	if (rc < 0)
		return server_lacks(err, SERVER_DATABASE);
	rc = blob_store_check(registry.store, &free_bytes, err);
	/* a full store serves pulls, and is full on every node that shares it:
	 * pushes say so by themselves */
	if (rc == E_FULL) {
		err_clear(err);
		return 0;
	}
	return rc < 0 ? server_lacks(err, SERVER_STORAGE) : 0;
}

int
registry_check_limits(struct err *err)
{
	return connections_check(registry.db, registry.conf, "registry", err);
}
