#include "common/base/base.h"
#include "fcgi/garant/garant.h"

#include "common/base/err.h"
#include "common/conf/conf.h"
#include "common/model/account.h"
#include "common/model/connections.h"
#include "common/model/login_delay.h"
#include "common/model/model.h"
#include "common/model/setting.h"
#include "fcgi/core/errlist.h"
#include "fcgi/core/rate.h"
#include "fcgi/core/server.h"
#include "fcgi/garant/login.h"
#include "fcgi/garant/signer.h"

/* ticks until old failure counts are looked for again */
#define PURGE_TICKS 600

struct garant garant;

/* those that may wait for a place among the password checks: a quarter of the
 * threads, and one at least, is left for what needs none */
static unsigned
waiting_logins(unsigned threads, unsigned checks)
{
	unsigned taken = checks + (threads < 4 ? 1 : threads / 4);

	return threads > taken ? threads - taken : 0;
}

int
garant_start(const struct conf *conf, struct err *err)
{
	int rc = model_open(conf, "garant", &garant.db, err);

	if (rc < 0)
		return rc;
	garant.conf = conf;
	garant.service = conf_service(conf);
	login_start((unsigned)conf->garant_password_checks,
	    waiting_logins((unsigned)conf->garant_threads,
		(unsigned)conf->garant_password_checks));
	return signer_start(conf, err);
}

void
garant_stop(void)
{
	signer_stop();
	login_stop();
	db_free(&garant.db);
}

/* guesses may come faster than one purge in a while removes */
static void
purge_delays(void)
{
	static unsigned wait;
	struct err err;
	bool more;

	if (wait > 0) {
		wait--;
		return;
	}
	if (login_delay_purge(garant.db, &more, &err) < 0)
		log_err(NULL, LOG_WARN, "login_delay_purge_failed", &err);
	wait = more ? 0 : PURGE_TICKS;
}

/* a database that is away is seen and reported by the requests; a setting that
 * does not parse is no reason to go on with an old key */
void
garant_tick(void)
{
	struct err err;
	int rc = settings_refresh(garant.db, &err);

	if (rc < 0 && rc != E_INTERNAL)
		return;
	signer_refresh();
	purge_delays();
}

int
garant_ready(struct err *err)
{
	int rc = db_check(garant.db, err);

	if (rc < 0)
		return server_lacks(err, SERVER_DATABASE);
	rc = signer_check(err);
	return rc < 0 ? server_lacks(err, "token key") : 0;
}

int
garant_check_limits(struct err *err)
{
	return connections_check(garant.db, garant.conf, "garant", err);
}

int
garant_check_rate(
    struct req *req, int rc, const struct account *account, struct err *err)
{
	const struct rand_id *id = account != NULL ? &account->id : NULL;
	struct settings settings;
	int known = settings_current(garant.db, &settings, err);

	if (known < 0)
		return known;
	return rate_check(
	    req, rc, id, settings.rate_limit, settings.rate_burst, err);
}

int
garant_authorize(struct req *req, int permission, struct err *err)
{
	switch ((enum permission)permission) {
	case PERMISSION_NONE:
		return garant_check_rate(req, 0, NULL, err);
	case PERMISSION_LOGIN:
	case PERMISSION_NODE:
		return 0;
	}
	return err_set(err, E_INTERNAL, "unknown permission");
}

static const char *
reason_of(enum err_code code)
{
	switch (code) {
	case E_UNAUTH:
		return "UNAUTHORIZED";
	case E_DENIED:
		return "DENIED";
	case E_LIMIT:
		return "TOOMANYREQUESTS";
	case E_BUSY:
	case E_FULL:
	case E_UNCERTAIN:
		return "UNAVAILABLE";
	case E_INTERNAL:
		return "UNKNOWN";
	case E_NOTFOUND:
	case E_EXISTS:
	case E_CONFLICT:
		return "UNSUPPORTED";
	case E_INVALID:
	case E_TOOBIG:
	case E_RANGE:
	case E_ABORTED:
		return "INVALID_REQUEST";
	}
	return "UNKNOWN";
}

void
garant_put_error(struct req *req, const struct err *err)
{
	errlist_send_one(req,
	    err->reason != NULL ? err->reason : reason_of(err->code),
	    err->text);
}
