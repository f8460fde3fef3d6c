#include "common/base/base.h"
#include "fcgi/registry/regerr.h"

#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/json/jsw.h"
#include "common/model/manifest.h"
#include "fcgi/core/req.h"

#define BODY_MAX ((size_t)1 << 20)
/* a client with thousands of wrong digests gets the first ones */
#define MISSING_MAX 1000

static const char *
default_reason(enum err_code code)
{
	switch (code) {
	case E_NOTFOUND:
		return "NAME_UNKNOWN";
	case E_DENIED:
		return "DENIED";
	case E_UNAUTH:
		return "UNAUTHORIZED";
	case E_INVALID:
		return "NAME_INVALID";
	case E_EXISTS:
	case E_CONFLICT:
		return "UNSUPPORTED";
	case E_TOOBIG:
		return "SIZE_INVALID";
	case E_RANGE:
		return "RANGE_INVALID";
	case E_LIMIT:
		return "TOOMANYREQUESTS";
	case E_ABORTED:
		return "BLOB_UPLOAD_INVALID";
	case E_BUSY:
	case E_FULL:
	case E_UNCERTAIN:
		return "UNAVAILABLE";
	case E_INTERNAL:
		return "UNKNOWN";
	}
	return "UNKNOWN";
}

static void
put_item(struct jsw *w, const char *reason, const char *message,
    const char *digest)
{
	jsw_object(w, NULL);
	jsw_str(w, "code", reason);
	jsw_str(w, "message", message);
	if (digest != NULL) {
		jsw_object(w, "detail");
		jsw_str(w, "digest", digest);
		jsw_end(w);
	}
	jsw_end(w);
}

static void
begin(struct jsw *w, struct str *body, struct req *req)
{
	str_init(body, req->pool, BODY_MAX);
	jsw_init(w, body);
	jsw_object(w, NULL);
	jsw_array(w, "errors");
}

static void
end(struct jsw *w, struct str *body, struct req *req)
{
	jsw_end(w);
	jsw_end(w);
	jsw_done(w);
	resp_send(req, "application/json", body->p, body->len);
}

void
regerr_put(struct req *req, const struct err *err)
{
	const char *reason =
	    err->reason != NULL ? err->reason : default_reason(err->code);
	struct str body;
	struct jsw w;

	/* "refused by the registry" is 405 in this protocol, not 409 */
	if (err->code == E_CONFLICT && strcmp(reason, "UNSUPPORTED") == 0)
		resp_status(req, 405);
	begin(&w, &body, req);
	put_item(&w, reason, err->text, NULL);
	end(&w, &body, req);
}

void
regerr_put_missing(struct req *req, const struct manifest_push *push)
{
	struct str body;
	struct jsw w;

	resp_status(req, 400);
	begin(&w, &body, req);
	for (size_t i = 0; i < push->missing_count && i < MISSING_MAX; i++) {
		char digest[OCI_DIGEST_TEXT_SIZE];

		oci_digest_put(digest, &push->missing[i]);
		put_item(&w, "MANIFEST_BLOB_UNKNOWN",
		    "the manifest refers to what is not in this repository; "
		    "push it first",
		    digest);
	}
	end(&w, &body, req);
}
