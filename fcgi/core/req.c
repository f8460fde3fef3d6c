#include "common/base/base.h"
#include "fcgi/core/req.h"

#include "common/base/err.h"
#include "common/base/num.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/base/time.h"
#include "fcgi/core/fcgi_io.h"

#define READ_STEP ((size_t)8 << 10) /* as libfcgi has */
/* of a whole short body: slower clients are kept away by the web server, which
 * has the body before we do */
#define READ_ALL_S 60
#define NAME_SIZE 64

const char *
req_cgi(const struct req *req, const char *name)
{
	return fcgi_io_param(req->io, name);
}

/* false: no header of ours has such a name */
static bool
put_full_name(char out[NAME_SIZE], const char *name)
{
	return snprintf(out, NAME_SIZE, "HTTP_%s", name) < NAME_SIZE;
}

const char *
req_header(const struct req *req, const char *name)
{
	char full[NAME_SIZE];

	return put_full_name(full, name) ? fcgi_io_param(req->io, full) : NULL;
}

const char *
req_header_list(const struct req *req, const char *name)
{
	const char *line;
	char full[NAME_SIZE];
	size_t at = 0, size = 0;
	struct str list;

	if (!put_full_name(full, name))
		return NULL;
	while ((line = fcgi_io_next_param(req->io, full, &at)) != NULL)
		size += strlen(line) + 2;
	str_init(&list, req->pool, size);
	at = 0;
	while ((line = fcgi_io_next_param(req->io, full, &at)) != NULL) {
		str_puts(&list, list.len > 0 ? ", " : "");
		str_puts(&list, line);
	}
	return size > 0 ? list.p : NULL;
}

int64_t
req_announced_length(const struct req *req)
{
	const char *text = req_cgi(req, "CONTENT_LENGTH");
	uint64_t length;

	if (text == NULL ||
	    !num_parse_u64(text, strlen(text), INT64_MAX, &length))
		return -1;
	return (int64_t)length;
}

/* what came of a read: the body's next bytes, its end, or the client's */
static int
take_body(struct req *req, ssize_t done, size_t *done_out, struct err *err)
{
	int64_t announced;

	*done_out = 0;
	if (done < 0)
		return err_set(err, E_ABORTED,
		    "the client went away after %" PRIu64 " bytes",
		    req->bytes_in);
	*done_out = (size_t)done;
	req->bytes_in += (uint64_t)done;
	if (done > 0)
		return 0;
	announced = req_announced_length(req);
	if (announced >= 0 && (uint64_t)announced != req->bytes_in)
		return err_set(err, E_ABORTED,
		    "the body has %" PRIu64 " bytes, not the announced "
		    "%" PRId64,
		    req->bytes_in, announced);
	return 0;
}

int
req_read(struct req *req, void *p, size_t n, size_t *done_out, struct err *err)
{
	return take_body(req, fcgi_io_read(req->io, p, n), done_out, err);
}

int
req_read_all(struct req *req, size_t max, const char **text_out,
    size_t *len_out, struct err *err)
{
	int64_t until = time_monotonic_us() + READ_ALL_S * TIME_SECOND;
	char *step = pool_alloc(req->pool, READ_STEP);
	struct str text;
	size_t done;

	str_init(&text, req->pool, max);
	do {
		int rc = take_body(req,
		    fcgi_io_read_some(req->io, step, READ_STEP), &done, err);

		if (rc < 0)
			return rc;
		if (time_monotonic_us() > until)
			return err_set(err, E_ABORTED,
			    "the body took longer than %d seconds", READ_ALL_S);
		str_add(&text, step, done);
		if (str_is_full(&text))
			return err_set(err, E_TOOBIG,
			    "the body is larger than %zu bytes", max);
	} while (done > 0);
	*text_out = text.p;
	*len_out = text.len;
	return 0;
}
