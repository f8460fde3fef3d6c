#include "common/base/base.h"
#include "fcgi/api/api.h"

#include "common/base/err.h"
#include "common/model/connections.h"
#include "common/model/model.h"
#include "common/model/setting.h"
#include "fcgi/api/gauges.h"
#include "fcgi/api/health.h"
#include "fcgi/api/identity.h"
#include "fcgi/core/errlist.h"
#include "fcgi/core/rate.h"
#include "fcgi/core/server.h"

struct api api;

int
api_start(const struct conf *conf, struct err *err)
{
	int rc = model_open(conf, "api", &api.db, err);

	api.conf = conf;
	if (rc == 0)
		health_start();
	return rc;
}

void
api_stop(void)
{
	health_stop();
	db_free(&api.db);
}

int
api_ready(struct err *err)
{
	return db_check(api.db, err) < 0 ? server_lacks(err, SERVER_DATABASE)
					 : 0;
}

int
api_check_limits(struct err *err)
{
	return connections_check(api.db, api.conf, "api", err);
}

/* a database that is away is seen and reported by the requests */
void
api_tick(void)
{
	struct err err;

	if (settings_refresh(api.db, &err) < 0)
		err_clear(&err);
	gauges_tick();
}

static int
check_rate(struct req *req, int rc, struct err *err)
{
	const struct identity *caller = identity_of(req);
	const struct rand_id *id = caller != NULL ? &caller->id : NULL;
	struct settings settings;
	int known = settings_current(api.db, &settings, err);

	if (known < 0)
		return known;
	return rate_check(
	    req, rc, id, settings.rate_limit, settings.rate_burst, err);
}

int
api_authorize(struct req *req, int permission, struct err *err)
{
	switch ((enum permission)permission) {
	case PERMISSION_PROBE:
		return 0;
	case PERMISSION_ANYBODY:
		return check_rate(req, identity_find(req, err), err);
	}
	return err_set(err, E_INTERNAL, "unknown permission");
}

static const char *
reason_of(enum err_code code)
{
	switch (code) {
	case E_UNAUTH:
		return "NOT_AUTHENTICATED";
	case E_DENIED:
		return "NOT_AUTHORIZED";
	case E_NOTFOUND:
		return "NOT_FOUND";
	case E_CONFLICT: /* of the core: there is no such method */
		return "NOT_ALLOWED";
	case E_EXISTS:
		return "CONFLICT";
	case E_INVALID:
	case E_TOOBIG:
	case E_RANGE:
	case E_ABORTED:
		return "INVALID_PARAMETERS";
	case E_LIMIT:
		return "TOO_MANY_REQUESTS";
	case E_BUSY:
	case E_FULL:
	case E_UNCERTAIN:
		return "UNAVAILABLE";
	case E_INTERNAL:
		return "INTERNAL_ERROR";
	}
	return "INTERNAL_ERROR";
}

void
api_put_error(struct req *req, const struct err *err)
{
	errlist_send_one(req,
	    err->reason != NULL ? err->reason : reason_of(err->code),
	    err->text);
}
