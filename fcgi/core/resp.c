#include "common/base/base.h"

#include <stdarg.h>

#include "common/base/err.h"
#include "common/base/log.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "fcgi/core/fcgi_io.h"
#include "fcgi/core/req.h"

/* no web server takes that much: some of ours have less than 8 KiB in all */
#define VALUE_MAX ((size_t)32 << 10)
#define HEAD_MAX  ((REQ_HEADERS_MAX + 1) * (VALUE_MAX + 256))

/*
 * What stands behind the number. nginx passes a status on as it is, and a
 * status line without the blank before the words is none (RFC 9112, 4).
 */
static const struct {
	int status;
	const char *words;
} reasons[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 206, "Partial Content" },
	{ 304, "Not Modified" },
	{ 307, "Temporary Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 409, "Conflict" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 416, "Range Not Satisfiable" },
	{ 429, "Too Many Requests" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 503, "Service Unavailable" },
	{ 507, "Insufficient Storage" },
};

static const char *
reason_of(int status)
{
	for (size_t i = 0; i < COUNT_OF(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].words;
	return "Status"; /* any words will do */
}

void
resp_status(struct req *req, int status)
{
	req->status = status;
}

static bool
is_clean(const char *value)
{
	for (; *value != '\0'; value++)
		if ((unsigned char)*value < 0x20 || *value == 0x7f)
			return false;
	return true;
}

void
resp_header(struct req *req, const char *name, const char *value)
{
	if (!is_clean(value) || strlen(value) > VALUE_MAX) {
		log_event(&req->log, LOG_WARN, "header_dropped",
		    LOG_TEXT("name", name));
		return;
	}
	for (size_t i = 0; i < req->header_count; i++) {
		if (strcmp(req->headers[i].name, name) == 0) {
			req->headers[i].value = pool_strdup(req->pool, value);
			return;
		}
	}
	ASSERT(req->header_count < REQ_HEADERS_MAX);
	req->headers[req->header_count++] =
	    (struct req_header){ name, pool_strdup(req->pool, value) };
}

void
resp_printf(struct req *req, const char *name, const char *format, ...)
{
	va_list args;
	const char *value;

	va_start(args, format);
	value = pool_vprintf(req->pool, format, args);
	va_end(args);
	resp_header(req, name, value);
}

/* a status that never has a body has no length either (RFC 9110, 8.6) */
static bool
has_body(const struct req *req)
{
	return req->status != 204 && req->status != 304;
}

static void
put_head(struct req *req, struct str *out, const char *type)
{
	ASSERT(!req->head_sent);
	str_init(out, req->pool, HEAD_MAX);
	str_printf(
	    out, "Status: %d %s\r\n", req->status, reason_of(req->status));
	if (type != NULL)
		str_printf(out, "Content-Type: %s\r\n", type);
	for (size_t i = 0; i < req->header_count; i++) {
		str_puts(out, req->headers[i].name);
		str_puts(out, ": ");
		str_puts(out, req->headers[i].value);
		str_puts(out, "\r\n");
	}
	req->head_sent = true;
}

static void
send_head(struct req *req, struct str *out)
{
	str_puts(out, "\r\n");
	ASSERT(!str_is_full(out));
	/* a peer that is gone is seen when the body is written, or at the
	 * end */
	if (fcgi_io_write(req->io, out->p, out->len) < 0)
		fcgi_io_break(req->io);
}

void
resp_stream(struct req *req, const char *type, uint64_t length)
{
	struct str out;

	put_head(req, &out, type);
	if (has_body(req))
		str_printf(&out, "Content-Length: %" PRIu64 "\r\n", length);
	if (has_body(req) && req->method != METHOD_HEAD)
		req->body_left = length;
	send_head(req, &out);
}

int
resp_write(struct req *req, const void *p, size_t n, struct err *err)
{
	ASSERT(req->head_sent);
	if (req->method == METHOD_HEAD)
		return 0;
	ASSERT(n <= req->body_left);
	if (n > 0 && fcgi_io_write(req->io, p, n) < 0)
		return err_set(err, E_ABORTED, "the client went away");
	req->body_left -= n;
	req->bytes_out += n;
	return 0;
}

void
resp_send(struct req *req, const char *type, const void *p, size_t n)
{
	struct err err = ERR_INIT;

	resp_stream(req, type, n);
	/* head and a small body leave in one write: the wire collects them */
	if (req->body_left > 0 && resp_write(req, p, n, &err) < 0)
		fcgi_io_break(req->io);
}

void
resp_handover(
    struct req *req, const char *type, const char *header, const char *path)
{
	struct str out;

	resp_header(req, header, path);
	put_head(req, &out, type);
	send_head(req, &out);
}
