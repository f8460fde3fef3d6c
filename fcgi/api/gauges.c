#include "common/base/base.h"
#include "fcgi/api/gauges.h"

#include "common/base/err.h"
#include "common/base/log.h"
#include "common/base/pool.h"
#include "common/model/backlog.h"
#include "common/model/model.h"
#include "common/model/setting.h"
#include "fcgi/api/api.h"
#include "fcgi/core/metrics.h"

/* ticks between two looks */
#define EVERY	   10
#define MEMORY_MAX ((size_t)64 << 10)

static int
show_backlog(struct pool *pool, struct err *err)
{
	struct settings settings;
	struct backlog b;
	int rc = settings_refresh(api.db, err);

	if (rc == 0)
		rc = settings_current(api.db, &settings, err);
	if (rc == 0)
		rc = backlog_read(
		    api.db, pool, settings.upload_expiry, &b, err);
	if (rc < 0)
		return rc;
	metric_set(API_UPLOADS, b.uploads);
	metric_set(API_UPLOADS_EXPIRED, b.uploads_expired);
	metric_set(API_OBJECTS, b.objects);
	metric_set(API_OBJECTS_OVERDUE, b.objects_overdue_s);
	metric_set(API_REVIEWS, b.reviews);
	metric_set(API_REVIEWS_OVERDUE, b.reviews_overdue_s);
	metric_set(API_BLOBS_UPLOADING, b.objects_uploading);
	metric_set(API_BLOBS_LIVE, b.objects_live);
	metric_set(API_BLOBS_DOOMED, b.objects);
	metric_set(API_FREED_BYTES, b.freed_bytes);
	return 0;
}

static int
show_cluster(struct err *err)
{
	struct db_cluster c;
	int rc = db_cluster(api.db, &c, err);

	metric_set(API_CLUSTER_READY, c.is_ready);
	if (rc < 0)
		return rc;
	metric_set(API_CLUSTER_NODES, c.nodes);
	metric_set(API_CLUSTER_RECEIVED, c.receive_queue);
	return 0;
}

static void
note_failure(const struct err *err)
{
	log_event(NULL, LOG_WARN, "metrics_not_read",
	    LOG_TEXT("error", err->text), LOG_TEXT("cause", err->cause));
}

void
gauges_tick(void)
{
	static unsigned ticks;
	struct err err = ERR_INIT;
	struct pool *pool;

	if (ticks++ % EVERY != 0)
		return;
	pool = pool_new(MEMORY_MAX);
	if (show_cluster(&err) < 0)
		note_failure(&err);
	/* not only the database may be at fault */
	if (show_backlog(pool, &err) < 0)
		note_failure(&err);
	pool_free(&pool);
}
