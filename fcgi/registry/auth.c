#include "common/base/base.h"
#include "fcgi/registry/auth.h"

#include <strings.h>

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/conf/conf.h"
#include "common/model/setting.h"
#include "common/oci/name.h"
#include "fcgi/core/req.h"
#include "fcgi/registry/limits.h"
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

/* a mount asks for its source as well, though it goes on without it */
static const char *
mount_scope(const struct req *req)
{
	const char *from = uri_param(&req->uri, "from");

	if (req->method != METHOD_POST || from == NULL ||
	    uri_param(&req->uri, "mount") == NULL || !oci_name_is_valid(from))
		return "";
	return pool_printf(req->pool, " repository:%s:pull", from);
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
		return pool_printf(req->pool, "repository:%s:pull,push%s", name,
		    mount_scope(req));
	case PERMISSION_DELETE:
		return pool_printf(req->pool, "repository:%s:delete", name);
	}
	return NULL;
}

static const char *
param(struct pool *pool, const char *name, const char *value)
{
	return value != NULL ? pool_printf(pool, ",%s=\"%s\"", name, value)
			     : "";
}

static void
challenge(struct req *req, enum permission permission, const char *error,
    const char *description)
{
	struct pool *pool = req->pool;

	resp_printf(req, "WWW-Authenticate",
	    "Bearer realm=\"%s/auth/token\",service=\"%s\"%s%s%s",
	    registry.conf->external_url, registry.service,
	    param(pool, "scope", scope_of(req, permission)),
	    param(pool, "error", error),
	    param(pool, "error_description", description));
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
	    "digits with . _ __ or - between them, parts separated by /, %d "
	    "bytes at most",
	    req->args[0], OCI_NAME_MAX);
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

/* a mirror asks with the host that it stands for, and may be told so (OCI
 * distribution spec, "Registry proxying") */
static void
echo_namespace(struct req *req)
{
	const char *host = uri_param(&req->uri, "ns");

	if ((req->method == METHOD_GET || req->method == METHOD_HEAD) &&
	    host != NULL && host[0] != '\0' && strlen(host) < 256 &&
	    strspn(host,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789.-:[]") == strlen(host))
		resp_header(req, "OCI-Namespace", host);
}

/* who it is, as his token says; an account is limited by itself, all others
 * by their address */
static int
identify(struct req *req, enum permission permission, struct err *err)
{
	struct identity *identity = pool_alloc(req->pool, sizeof(*identity));
	const char *token = bearer(req);
	int rc;

	if (token == NULL) {
		challenge(req, permission, NULL, NULL);
		rc = err_set(err, E_UNAUTH, "authentication required");
		return limits_check_rate(req, rc, err);
	}
	rc = token_verify(req->pool, token, identity, err);
	if (rc == E_UNAUTH)
		challenge(req, permission, "invalid_token", NULL);
	if (rc == 0) {
		req->identity = identity;
		req->actor = identity->name[0] != '\0' ? identity->name : NULL;
	}
	return limits_check_rate(req, rc, err);
}

/* how far an upload is may be asked always */
static int
check_writable(const struct req *req, struct err *err)
{
	return req->method == METHOD_GET || req->method == METHOD_HEAD
	    ? 0
	    : limits_check_writable(err);
}

/* the first words are those that every registry says; the rest is the same
 * whether the repository is there or not, as not all may know that */
static int
denied(const char *name, enum permission permission, struct err *err)
{
	struct settings settings;
	int rc;

	if (permission != PERMISSION_PUSH)
		return err_set(err, E_UNAUTH,
		    "requested access to the resource is denied");
	rc = settings_current(registry.db, &settings, err);
	if (rc < 0)
		return rc;
	if (settings.create_on_push)
		return err_set(err, E_UNAUTH,
		    "requested access to the resource is denied: no right to "
		    "push to \"%s\", or its first part is no user or "
		    "organisation",
		    name);
	return err_set(err, E_UNAUTH,
	    "requested access to the resource is denied: no right to push, or "
	    "there is no such repository and a push makes none here; a system "
	    "administrator can make it: dtr repository create %s",
	    name);
}

/* Docker shows the challenge's description and drops the body's text; it may
 * hold no double quotes (RFC 6750, 3) */
static int
refuse(struct req *req, enum permission permission, struct err *err)
{
	int rc = denied(req->args[0], permission, err);
	char *description;

	if (rc != E_UNAUTH)
		return rc;
	description = pool_strdup(req->pool, err->text);
	for (char *p = description; *p != '\0'; p++)
		if (*p == '"')
			*p = '\'';
	challenge(req, permission, "insufficient_scope", description);
	return err_reason(err, "DENIED");
}

int
auth_authorize(struct req *req, int permission_number, struct err *err)
{
	enum permission permission = (enum permission)permission_number;
	const struct identity *identity;
	int rc;

	echo_namespace(req);
	rc = check_name(req, permission, err);
	if (rc == 0)
		rc = identify(req, permission, err);
	if (rc < 0)
		return rc;
	identity = auth_identity(req);
	if (!is_allowed(req, identity, permission))
		return refuse(req, permission, err);
	return check_writable(req, err);
}
