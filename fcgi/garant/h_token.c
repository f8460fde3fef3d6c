/* Registry tokens, by GET with Basic authentication and by POST. */
#include "common/base/base.h"
#include "fcgi/garant/garant.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/base/time.h"
#include "common/json/jsw.h"
#include "common/model/access_token.h"
#include "common/model/model.h"
#include "fcgi/core/metrics.h"
#include "fcgi/garant/grant.h"
#include "fcgi/garant/login.h"

#define FORM_MAX ((size_t)64 << 10)
#define FORM_PARAMS 64
#define ANSWER_MAX ((size_t)64 << 10)

/* what both forms of the request come down to */
struct asked {
	struct account account;
	bool has_account;
	const char *secret; /* of struct grant_asker */
	enum access_token_kind secret_kind;
	struct access_token_basis basis; /* of a login */
	struct scope_list scopes;
	bool offline; /* wants a refresh token */
};

static void
challenge(struct req *req)
{
	resp_header(req, "WWW-Authenticate", "Basic realm=\"dtr\"");
}

static int
check_service(const char *service, struct err *err)
{
	if (service == NULL || strcmp(service, garant.service) == 0)
		return 0;
	return err_set(err, E_INVALID,
	    "service \"%.80s\" is not served here; this is \"%s\"", service,
	    garant.service);
}

static void
put_answer(struct req *req, const struct grant *grant, const char *refresh)
{
	char issued[TIME_TEXT_SIZE];
	struct str body;
	struct jsw w;

	time_put_rfc3339(issued, grant->issued_us);
	str_init(&body, req->pool, ANSWER_MAX);
	jsw_init(&w, &body);
	jsw_object(&w, NULL);
	jsw_str(&w, "token", grant->token);
	jsw_str(&w, "access_token", grant->token);
	jsw_str(&w, "scope", grant->scope);
	jsw_int(&w, "expires_in", grant->life_s);
	jsw_str(&w, "issued_at", issued);
	if (refresh != NULL)
		jsw_str(&w, "refresh_token", refresh);
	jsw_end(&w);
	jsw_done(&w);
	resp_header(req, "Cache-Control", "no-store");
	resp_send(req, "application/json", body.p, body.len);
}

static int
answer(struct req *req, struct asked *asked, struct err *err)
{
	const struct account *account =
	    asked->has_account ? &asked->account : NULL;
	const struct grant_asker asker = { account, asked->secret,
		asked->secret_kind };
	const char *refresh = NULL;
	struct grant grant;
	int rc = grant_make(req->pool, &asker, &asked->scopes, &grant, err);

	if (rc == E_UNAUTH)
		challenge(req);
	if (rc == 0 && asked->offline && account != NULL)
		rc = access_token_create_refresh(garant.db, req->pool,
		    &account->id, garant.service, &asked->basis, &refresh, err);
	if (rc < 0)
		return rc;
	metric_add(account != NULL ? GARANT_TOKENS_USER
				   : GARANT_TOKENS_ANONYMOUS,
	    1);
	put_answer(req, &grant, refresh);
	return 0;
}

/* once it is known who asks, or that he may not */
static int
check_rate_and_answer(
    struct req *req, int rc, struct asked *asked, struct err *err)
{
	rc = garant_check_rate(
	    req, rc, asked->has_account ? &asked->account : NULL, err);
	return rc < 0 ? rc : answer(req, asked, err);
}

static int
log_in(struct req *req, const char *name, const char *password,
    struct asked *asked, struct err *err)
{
	int rc = login_password(req, name, password, &asked->account, err);

	if (rc == E_UNAUTH)
		challenge(req);
	if (rc < 0)
		return rc;
	asked->has_account = true;
	/* no hash: it was an access token */
	if (asked->account.password_hash == NULL) {
		asked->secret = password;
		asked->secret_kind = ACCESS_TOKEN_MANUAL;
	}
	asked->basis = access_token_basis_of(
	    asked->secret != NULL ? password : asked->account.password_hash);
	req->actor = asked->account.name;
	return 0;
}

/* in one parameter or in several, as the specification has it */
static int
take_scopes(struct req *req, const struct uri_param *params, size_t count,
    struct asked *asked, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < count; i++)
		if (strcmp(params[i].name, "scope") == 0)
			rc = scope_parse(
			    &asked->scopes, req->pool, params[i].value, err);
	return rc;
}

int
h_token_get(struct req *req, struct err *err)
{
	const char *offline = uri_param(&req->uri, "offline_token");
	struct asked *asked = pool_alloc(req->pool, sizeof(*asked));
	char *name, *password;
	int rc = check_service(uri_param(&req->uri, "service"), err);

	if (rc == 0)
		rc = take_scopes(
		    req, req->uri.params, req->uri.param_count, asked, err);
	asked->offline = offline != NULL && strcmp(offline, "true") == 0;
	if (rc == 0)
		rc = login_parse_basic(req, &name, &password, err);
	if (rc == E_UNAUTH)
		challenge(req);
	if (rc == 1)
		rc = log_in(req, name, password, asked, err);
	return check_rate_and_answer(req, rc, asked, err);
}

struct form {
	struct uri_param params[FORM_PARAMS];
	size_t count;
};

static const char *
form_get(const struct form *form, const char *name)
{
	for (size_t i = 0; i < form->count; i++)
		if (strcmp(form->params[i].name, name) == 0)
			return form->params[i].value;
	return NULL;
}

static int
form_need(const struct form *form, const char *name, const char **out,
    struct err *err)
{
	*out = form_get(form, name);
	return *out != NULL ? 0
			    : err_set(err, E_INVALID,
				  "parameter \"%s\" is missing", name);
}

static int
by_password(struct req *req, const struct form *form, struct asked *asked,
    struct err *err)
{
	const char *name, *password;
	int rc = form_need(form, "username", &name, err);

	if (rc == 0)
		rc = form_need(form, "password", &password, err);
	if (rc == 0)
		rc = log_in(req, name, password, asked, err);
	return rc;
}

static int
by_refresh(struct req *req, const struct form *form, struct asked *asked,
    struct err *err)
{
	const char *secret;
	int rc = form_need(form, "refresh_token", &secret, err);

	if (rc < 0)
		return rc;
	rc = access_token_check(garant.db, req->pool, secret,
	    ACCESS_TOKEN_REFRESH, garant.service, &asked->account, err);
	if (rc == E_UNAUTH) {
		metric_add(GARANT_LOGINS_WRONG, 1);
		challenge(req);
	}
	if (rc < 0)
		return rc;
	asked->has_account = true;
	asked->secret = secret;
	asked->secret_kind = ACCESS_TOKEN_REFRESH;
	asked->offline = false; /* the one he has stays good */
	req->actor = asked->account.name;
	return 0;
}

static int
read_form(struct req *req, struct form *form, struct err *err)
{
	const char *text;
	size_t n;
	int rc = req_read_all(req, FORM_MAX, &text, &n, err);

	if (rc == 0)
		rc = uri_parse_form(req->pool, text, n, form->params,
		    FORM_PARAMS, &form->count, err);
	return rc;
}

static int
by_grant_type(struct req *req, const struct form *form, struct asked *asked,
    struct err *err)
{
	const char *type;
	int rc = form_need(form, "grant_type", &type, err);

	if (rc < 0)
		return rc;
	if (strcmp(type, "password") == 0)
		return by_password(req, form, asked, err);
	if (strcmp(type, "refresh_token") == 0)
		return by_refresh(req, form, asked, err);
	return err_set(err, E_INVALID,
	    "grant_type \"%.40s\" is neither password nor refresh_token", type);
}

int
h_token_post(struct req *req, struct err *err)
{
	struct asked *asked = pool_alloc(req->pool, sizeof(*asked));
	struct form *form = pool_alloc(req->pool, sizeof(*form));
	const char *service, *client, *access;
	int rc = read_form(req, form, err);

	if (rc == 0)
		rc = form_need(form, "service", &service, err);
	if (rc == 0)
		rc = form_need(form, "client_id", &client, err);
	if (rc == 0)
		rc = check_service(service, err);
	if (rc == 0)
		rc = take_scopes(req, form->params, form->count, asked, err);
	access = rc == 0 ? form_get(form, "access_type") : NULL;
	asked->offline = access != NULL && strcmp(access, "offline") == 0;
	if (rc == 0)
		rc = by_grant_type(req, form, asked, err);
	return check_rate_and_answer(req, rc, asked, err);
}
