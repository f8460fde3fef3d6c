#include "common/base/base.h"
#include "fcgi/registry/reply.h"

#include <stdarg.h>

#include "common/base/err.h"
#include "common/base/etag.h"
#include "common/base/pool.h"
#include "common/oci/oci_digest.h"
#include "fcgi/core/req.h"

void
reply_digest(struct req *req, const char *digest)
{
	resp_header(req, "Docker-Content-Digest", digest);
	resp_printf(req, "ETag", "\"%s\"", digest);
}

bool
reply_not_modified(struct req *req, const char *digest)
{
	const char *tags = req_header(req, "IF_NONE_MATCH");

	if (tags == NULL || !etag_list_has(tags, digest, ETAG_WEAK))
		return false;
	resp_status(req, 304);
	reply_digest(req, digest);
	resp_send(req, NULL, "", 0);
	return true;
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
