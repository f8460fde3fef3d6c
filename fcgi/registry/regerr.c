#include "common/base/base.h"
#include "fcgi/registry/regerr.h"

#include "common/model/manifest_push.h"
#include "fcgi/core/errlist.h"
#include "fcgi/core/req.h"

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

void
regerr_put(struct req *req, const struct err *err)
{
	const char *reason =
	    err->reason != NULL ? err->reason : default_reason(err->code);

	/* "refused by the registry" is 405 in this protocol, not 409 */
	if (err->code == E_CONFLICT && strcmp(reason, "UNSUPPORTED") == 0)
		resp_status(req, 405);
	if (err->code == E_CONFLICT &&
	    strcmp(reason, "PRECONDITION_FAILED") == 0)
		resp_status(req, 412);
	if (strcmp(reason, REGERR_TOO_MANY_TAGS) == 0) {
		resp_status(req, 414);
		reason = "TAG_INVALID";
	}
	errlist_send_one(req, reason, err->text);
}

void
regerr_put_missing(struct req *req, const struct manifest_push *push)
{
	struct errlist list;

	resp_status(req, 400);
	errlist_begin(&list, req);
	for (size_t i = 0; i < push->missing_count && i < MISSING_MAX; i++) {
		char digest[OCI_DIGEST_TEXT_SIZE];

		oci_digest_put(digest, &push->missing[i]);
		errlist_add(&list, "MANIFEST_BLOB_UNKNOWN",
		    "the manifest refers to what is not in this repository; "
		    "push it first",
		    "digest", digest);
	}
	errlist_send(&list);
}
