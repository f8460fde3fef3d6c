#include "common/base/base.h"
#include "fcgi/registry/reply.h"

#include <stdarg.h>

#include "common/base/err.h"
#include "common/base/etag.h"
#include "common/base/pool.h"
#include "common/oci/oci_digest.h"
#include "fcgi/core/req.h"

void
reply_content(struct req *req, const char *digest, const char *caching)
{
	resp_header(req, "Docker-Content-Digest", digest);
	resp_printf(req, "ETag", "\"%s\"", digest);
	resp_header(req, "Cache-Control", caching);
}

int
reply_check_match(const struct req *req, const char *digest, struct err *err)
{
	const char *match = req_header(req, "IF_MATCH");

	if (match == NULL || etag_list_has(match, digest, ETAG_STRONG))
		return 0;
	err_set(err, E_CONFLICT, "If-Match does not hold: %s", digest);
	return err_reason(err, "PRECONDITION_FAILED");
}

int
reply_conditions(
    struct req *req, const char *digest, const char *caching, struct err *err)
{
	const char *none_match = req_header(req, "IF_NONE_MATCH");
	int rc = reply_check_match(req, digest, err);

	if (rc < 0)
		return rc;
	if (none_match == NULL || !etag_list_has(none_match, digest, ETAG_WEAK))
		return 0;
	resp_status(req, 304);
	reply_content(req, digest, caching);
	resp_send(req, NULL, "", 0);
	return 1;
}

void
reply_created(struct req *req, const char *kind, const char *digest)
{
	resp_status(req, 201);
	resp_printf(
	    req, "Location", "/v2/%s/%s/%s", req->args[0], kind, digest);
	resp_header(req, "Docker-Content-Digest", digest);
	resp_send(req, NULL, "", 0);
}

void
reply_warning(struct req *req, const char *format, ...)
{
	const char *text;
	va_list args;

	va_start(args, format);
	text = pool_vprintf(req->pool, format, args);
	va_end(args);
	resp_printf(req, "Warning", "299 - \"%s\"", text);
}

int
reply_parse_digest(struct oci_digest *out, const char *text, struct err *err)
{
	int rc;

	if (text == NULL)
		rc = err_set(err, E_INVALID, "parameter digest is missing");
	else
		rc = oci_digest_parse(out, text, err);
	return rc < 0 ? err_reason(err, "DIGEST_INVALID") : 0;
}
