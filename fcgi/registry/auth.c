#include "common/base/base.h"
#include "fcgi/registry/auth.h"

#include <strings.h>

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/conf/conf.h"
#include "common/oci/name.h"
#include "fcgi/core/req.h"
#include "fcgi/registry/registry.h"

const struct identity *
auth_identity(const struct req *req)
{
	return req->identity;
}

const struct rand_id *
auth_account(const struct req *req)
{
	const struct identity *identity = auth_identity(req);

	return identity->has_account ? &identity->account_id : NULL;
}

/* the scope that the client has to ask for (Docker token specification) */
static const char *
scope_of(const struct req *req, enum permission permission)
{
	const char *name = req->args[0];

	switch (permission) {
	case PERMISSION_TOKEN:
		return NULL;
	case PERMISSION_CATALOG:
		return "registry:catalog:*";
	case PERMISSION_PULL:
		return pool_printf(req->pool, "repository:%s:pull", name);
	case PERMISSION_PUSH:
		return pool_printf(req->pool, "repository:%s:pull,push", name);
	case PERMISSION_DELETE:
		return pool_printf(req->pool, "repository:%s:delete", name);
	}
	return NULL;
}

static void
challenge(struct req *req, enum permission permission, const char *error)
{
	const char *scope = scope_of(req, permission);

	resp_printf(req, "WWW-Authenticate",
	    "Bearer realm=\"%s/auth/token\",service=\"%s\"%s%s%s%s%s%s",
	    registry.conf->external_url, registry.service,
	    scope != NULL ? ",scope=\"" : "", scope != NULL ? scope : "",
	    scope != NULL ? "\"" : "", error != NULL ? ",error=\"" : "",
	    error != NULL ? error : "", error != NULL ? "\"" : "");
}

static bool
is_allowed(const struct req *req, const struct identity *identity,
    enum permission permission)
{
	switch (permission) {
	case PERMISSION_TOKEN:
		return true;
	case PERMISSION_CATALOG:
		return identity_may(
		    identity, "registry", "catalog", TOKEN_ALL);
	case PERMISSION_PULL:
		return identity_may(
		    identity, "repository", req->args[0], TOKEN_PULL);
	case PERMISSION_PUSH:
		return identity_may(
		    identity, "repository", req->args[0], TOKEN_PUSH);
	case PERMISSION_DELETE:
		return identity_may(
		    identity, "repository", req->args[0], TOKEN_DELETE);
	}
	return false;
}

static int
check_name(const struct req *req, enum permission permission, struct err *err)
{
	if (permission == PERMISSION_TOKEN || permission == PERMISSION_CATALOG)
		return 0;
	if (oci_name_is_valid(req->args[0]))
		return 0;
	err_set(err, E_INVALID,
	    "repository name \"%.80s\" is not valid: lower-case letters and "
	    "digits with single . _ - between them, parts separated by /",
	    req->args[0]);
	return err_reason(err, "NAME_INVALID");
}

static const char *
bearer(const struct req *req)
{
	const char *header = req_header(req, "AUTHORIZATION");

	if (header == NULL || strncasecmp(header, "Bearer ", 7) != 0)
		return NULL;
	return header + 7 + strspn(header + 7, " ");
}

int
auth_authorize(struct req *req, int permission_number, struct err *err)
{
	enum permission permission = (enum permission)permission_number;
	struct identity *identity = pool_alloc(req->pool, sizeof(*identity));
	const char *token = bearer(req);
	int rc = check_name(req, permission, err);

	if (rc < 0)
		return rc;
	if (token == NULL) {
		challenge(req, permission, NULL);
		return err_set(err, E_UNAUTH, "authentication required");
	}
	rc = token_verify(req->pool, token, identity, err);
	if (rc == E_UNAUTH)
		challenge(req, permission, "invalid_token");
	if (rc < 0)
		return rc;
	req->identity = identity;
	req->actor = identity->name[0] != '\0' ? identity->name : NULL;
	if (!is_allowed(req, identity, permission)) {
		challenge(req, permission, "insufficient_scope");
		err_set(err, E_UNAUTH,
		    "requested access to the resource is denied");
		return err_reason(err, "DENIED");
	}
	return 0;
}
