/*
 * One request: what a handler sees of it and how it answers. A request lives
 * on one thread with one memory pool, which is emptied at its end.
 *
 * A handler returns 0 after it has answered, or a negative code with err
 * filled; the edge then makes the answer of it in the component's form.
 */
#ifndef FCGI_CORE_REQ_H
#define FCGI_CORE_REQ_H

#include "common/base/log.h"
#include "common/base/uri.h"

struct err;
struct fcgi_io;
struct pool;
struct route;
struct str;

enum method {
	METHOD_GET = 1,
	METHOD_HEAD = 2,
	METHOD_POST = 4,
	METHOD_PUT = 8,
	METHOD_PATCH = 16,
	METHOD_DELETE = 32,
};

#define REQ_ARGS_MAX 4
#define REQ_HEADERS_MAX 24
#define REQ_ID_SIZE 65

struct req_header {
	const char *name;
	const char *value;
};

struct req {
	struct pool *pool;
	struct log_context log; /* request id */
	enum method method;	   /* 0: none that we know */
	const char *target;	   /* REQUEST_URI as it came */
	struct uri uri;		   /* the same, parsed */
	const struct route *route; /* NULL if none matched */
	const char *args[REQ_ARGS_MAX]; /* what the pattern's {} matched */
	const char *remote;	   /* client's address; proxies seen through */

	/* set by the component's authorize step, for its handlers */
	void *identity;
	const char *actor; /* for the access log; NULL: anonymous */

	/* the rest belongs to fcgi/core */
	struct fcgi_io *io;
	char id[REQ_ID_SIZE];
	int64_t started_us; /* monotonic */
	int status;
	struct req_header headers[REQ_HEADERS_MAX];
	size_t header_count;
	bool head_sent;
	uint64_t body_left; /* of the answer, to be written */
	uint64_t bytes_in;
	uint64_t bytes_out;
};

/* A request header by its CGI name without HTTP_: "IF_NONE_MATCH"; or NULL. */
const char *req_header(const struct req *req, const char *name);

/*
 * All lines of a header that is a list, joined by ", " in pool memory, or
 * NULL. Some web servers pass each line on by itself (nginx before 1.23).
 */
const char *req_header_list(const struct req *req, const char *name);

/* A CGI parameter: "CONTENT_TYPE", "SERVER_PORT"; NULL if absent or empty. */
const char *req_cgi(const struct req *req, const char *name);

/*
 * Body. Always read to its end: CONTENT_LENGTH may be empty (chunked) and is
 * believed only as a check at the end. *done_out 0 means the true end;
 * E_ABORTED that the client went away or sent less than announced. After
 * E_ABORTED nothing may be committed as complete.
 */
int req_read(
    struct req *req, void *p, size_t n, size_t *done_out, struct err *err);

/* The whole body in pool memory; E_TOOBIG when it is larger than max, E_ABORTED
 * when it takes longer than a minute. */
int req_read_all(struct req *req, size_t max, const char **text_out,
    size_t *len_out, struct err *err);

/* CONTENT_LENGTH if it is a number, else -1. Never decides how far to read. */
int64_t req_announced_length(const struct req *req);

/*
 * Answer: status and headers first, then exactly one of resp_send(),
 * resp_stream() or resp_handover(). A header whose value has a control
 * character or more than 32 KiB is dropped and logged. For HEAD the body is
 * left out, its length stays; 204 and 304 have neither.
 */
void resp_status(struct req *req, int status);
void resp_header(struct req *req, const char *name, const char *value);
void resp_printf(struct req *req, const char *name, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The whole answer with its Content-Length; type NULL: no Content-Type. */
void resp_send(struct req *req, const char *type, const void *p, size_t n);

/*
 * Head of an answer of length bytes; then resp_write() until all is sent. An
 * answer that ends before is shown to the client as a broken transfer.
 */
void resp_stream(struct req *req, const char *type, uint64_t length);
/* E_ABORTED when the client is gone: stop. */
int resp_write(struct req *req, const void *p, size_t n, struct err *err);

/*
 * Lets the web server send the body: header is "X-Accel-Redirect" or
 * "X-Sendfile". No Content-Length of ours: the server makes it.
 */
void resp_handover(struct req *req, const char *type, const char *header,
    const char *path);

#endif
