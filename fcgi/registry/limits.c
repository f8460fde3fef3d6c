#include "common/base/base.h"
#include "fcgi/registry/limits.h"

#include <stdatomic.h>

#include "common/base/err.h"
#include "common/conf/conf.h"
#include "common/model/model.h"
#include "common/model/setting.h"
#include "common/model/upload.h"
#include "fcgi/core/metrics.h"
#include "fcgi/core/rate.h"
#include "fcgi/core/req.h"
#include "fcgi/registry/auth.h"
#include "fcgi/registry/registry.h"

/* uploads come and go within seconds */
#define UPLOAD_WAIT "5"
#define SENDER_WAIT "5"

static atomic_uint senders;

static int
refuse(struct err *err, const char *what)
{
	metric_add(REGISTRY_REQUESTS_LIMITED, 1);
	err_set(err, E_LIMIT, "%s; try again later", what);
	return err_reason(err, "TOOMANYREQUESTS");
}

int
limits_check_rate(struct req *req, int rc, struct err *err)
{
	const struct rand_id *account =
	    auth_identity(req) != NULL ? auth_account(req) : NULL;
	struct settings settings;
	int known = settings_current(registry.db, &settings, err);

	if (known < 0)
		return known;
	rc = rate_check(
	    req, rc, account, settings.rate_limit, settings.rate_burst, err);
	if (rc == E_LIMIT)
		metric_add(REGISTRY_REQUESTS_LIMITED, 1);
	return rc;
}

int
limits_check_writable(struct err *err)
{
	struct settings settings;
	int rc = settings_current(registry.db, &settings, err);

	if (rc < 0 || !settings.read_only)
		return rc;
	err_set(err, E_DENIED,
	    "the registry is read-only for now: pulls work, pushes and "
	    "deletions do not; a system administrator can change it "
	    "(dtr setting set readOnly false)");
	return err_reason(err, "DENIED");
}

int
limits_check_upload(struct req *req, struct err *err)
{
	const struct rand_id *account = auth_account(req);
	struct settings settings;
	int64_t count = 0;
	int rc = settings_current(registry.db, &settings, err);

	if (rc < 0 || settings.upload_per_user == 0 || account == NULL)
		return rc;
	rc = upload_count(registry.db, req->pool, account, &count, err);
	if (rc < 0 || count < settings.upload_per_user)
		return rc;
	resp_header(req, "Retry-After", UPLOAD_WAIT);
	return refuse(err, "too many uploads of this account under way");
}

int
limits_take_sender(struct req *req, struct err *err)
{
	unsigned max = (conf_registry_threads(registry.conf) + 1) / 2;

	if (atomic_fetch_add(&senders, 1) < max)
		return 0;
	limits_give_sender();
	resp_header(req, "Retry-After", SENDER_WAIT);
	return refuse(err,
	    "too many blobs asked for by If-Match or a date are under way");
}

void
limits_give_sender(void)
{
	atomic_fetch_sub(&senders, 1);
}

int
limits_check_size(uint64_t size, struct err *err)
{
	struct settings settings;
	int rc = settings_current(registry.db, &settings, err);

	if (rc < 0 || settings.upload_max_size == 0 ||
	    size <= (uint64_t)settings.upload_max_size)
		return rc;
	err_set(err, E_TOOBIG,
	    "a blob may have at most %" PRId64 " bytes in this registry",
	    settings.upload_max_size);
	return err_reason(err, "SIZE_INVALID");
}
