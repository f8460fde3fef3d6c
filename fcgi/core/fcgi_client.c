#include "common/base/base.h"
#include "fcgi/core/fcgi_client.h"

#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/num.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/base/time.h"

/* FastCGI specification 1.0, 3.3 and 8 */
#define WIRE_VERSION  1
#define BEGIN_REQUEST 1
#define END_REQUEST   3
#define PARAMS        4
#define STDIN         5
#define STDOUT        6
#define RESPONDER     1
#define HEADER_SIZE   8
#define RECORD_MAX    ((size_t)65528)
#define LONG_LENGTH   128 /* from here on a length has four bytes */

#define NAME_SIZE 64
#define STEP      ((size_t)4 << 10)

struct call {
	const struct fcgi_question *question;
	struct pool *pool;
	struct err *err;
	int fd;
	int64_t until_us; /* monotonic */
};

static int
fail(const struct call *call, const char *what, int number)
{
	err_set(call->err, E_BUSY, "%s does not answer, try again",
	    call->question->who);
	return err_cause(call->err, "\"%s\": %s%s%s", call->question->socket,
	    what, number != 0 ? ": " : "",
	    number != 0 ? strerrordesc_np(number) : "");
}

/* --- the question */

static size_t
pair_size(const char *name, const char *value)
{
	size_t n = strlen(name), v = strlen(value);

	return n + v + (n < LONG_LENGTH ? 1 : 4) + (v < LONG_LENGTH ? 1 : 4);
}

static void
put_length(struct str *out, size_t n)
{
	if (n >= LONG_LENGTH) {
		str_putc(out, (char)(0x80 | (n >> 24)));
		str_putc(out, (char)(n >> 16 & 0xff));
		str_putc(out, (char)(n >> 8 & 0xff));
	}
	str_putc(out, (char)(n & 0xff));
}

static void
put_pair(struct str *out, const char *name, const char *value)
{
	put_length(out, strlen(name));
	put_length(out, strlen(value));
	str_puts(out, name);
	str_puts(out, value);
}

typedef void put_fn(struct str *out, const char *name, const char *value);

/* all parameters, or with put NULL their size */
static size_t
each_pair(const struct fcgi_question *q, struct str *out, put_fn *put)
{
	const struct req_header fixed[] = {
		{ "REQUEST_METHOD", q->method },
		{ "REQUEST_URI", q->target },
		{ "SERVER_PROTOCOL", "HTTP/1.1" },
		{ "REMOTE_ADDR", q->remote },
	};
	size_t size = 0;

	for (size_t i = 0; i < COUNT_OF(fixed) + q->header_count; i++) {
		const struct req_header *item = i < COUNT_OF(fixed)
		    ? &fixed[i]
		    : &q->headers[i - COUNT_OF(fixed)];
		char name[NAME_SIZE];

		if (item->value == NULL)
			continue;
		ASSERT(snprintf(name, sizeof(name), "%s%s",
			   i < COUNT_OF(fixed) ? "" : "HTTP_",
			   item->name) < (int)sizeof(name));
		size += pair_size(name, item->value);
		if (put != NULL)
			put(out, name, item->value);
	}
	return size;
}

static void
put_record(struct str *out, int type, const char *p, size_t n)
{
	const char header[HEADER_SIZE] = { WIRE_VERSION, (char)type, 0, 1,
		(char)(n >> 8 & 0xff), (char)(n & 0xff) };

	str_add(out, header, sizeof(header));
	str_add(out, p, n);
}

/* secret memory: credentials are in it */
static void
init_secret(struct str *s, struct pool *pool, size_t size)
{
	*s = (struct str){ .p = pool_secret(pool, size + 1),
		.size = size + 1,
		.max = size,
		.pool = pool };
}

static int
put_question(struct call *call, struct str *out)
{
	/* role, flags: the connection is not kept */
	static const char begin[8] = { 0, RESPONDER };
	size_t size = each_pair(call->question, NULL, NULL);
	struct str params;

	if (size > FCGI_QUESTION_MAX)
		return err_set(call->err, E_TOOBIG,
		    "the request's headers are larger than %zu bytes",
		    FCGI_QUESTION_MAX);
	init_secret(&params, call->pool, size);
	each_pair(call->question, &params, put_pair);
	init_secret(out, call->pool,
	    size + HEADER_SIZE * (size / RECORD_MAX + 5) + sizeof(begin));
	put_record(out, BEGIN_REQUEST, begin, sizeof(begin));
	for (size_t at = 0; at < size; at += RECORD_MAX)
		put_record(out, PARAMS, params.p + at,
		    size - at > RECORD_MAX ? RECORD_MAX : size - at);
	put_record(out, PARAMS, "", 0);
	put_record(out, STDIN, "", 0);
	ASSERT(!str_is_full(&params) && !str_is_full(out));
	return 0;
}

/* --- the wire */

static int64_t
left_us(const struct call *call)
{
	return call->until_us - time_monotonic_us();
}

static int
wait_for(const struct call *call, short events)
{
	struct pollfd wanted = { .fd = call->fd, .events = events };
	int64_t left;
	int rc;

	do {
		left = left_us(call);
		if (left <= 0)
			return fail(call, "too slow", 0);
		rc = poll(&wanted, 1, (int)((left + 999) / 1000));
	} while (rc == 0 || (rc < 0 && errno == EINTR));
	return rc < 0 ? fail(call, "poll", errno) : 0;
}

static int
connect_to(struct call *call)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int64_t wait = left_us(call) > 0 ? left_us(call) : 1;
	struct timeval limit = { .tv_sec = wait / TIME_SECOND,
		.tv_usec = wait % TIME_SECOND };

	if (strlen(call->question->socket) >= sizeof(address.sun_path))
		return fail(call, "the path is too long", 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s",
	    call->question->socket);
	call->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (call->fd < 0)
		return fail(call, "socket", errno);
	/* connecting waits while the program's queue is full */
	setsockopt(call->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(call->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return fail(call, "connect", errno);
	return 0;
}

static int
send_all(struct call *call, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done =
		    send(call->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (done < 0 && errno != EAGAIN && errno != EINTR)
			return fail(call, "send", errno);
		if (done < 0 && wait_for(call, POLLOUT) < 0)
			return call->err->code;
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

static int
receive_all(struct call *call, void *out, size_t n)
{
	char *p = out;

	while (n > 0) {
		ssize_t done = recv(call->fd, p, n, MSG_DONTWAIT);

		if (done == 0)
			return fail(call, "the answer breaks off", 0);
		if (done < 0 && errno != EAGAIN && errno != EINTR)
			return fail(call, "receive", errno);
		if (done < 0 && wait_for(call, POLLIN) < 0)
			return call->err->code;
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

/* --- the answer */

/* n bytes of a record; out NULL: of no use */
static int
take_content(struct call *call, size_t n, struct str *out)
{
	char step[STEP];

	while (n > 0) {
		size_t part = n > sizeof(step) ? sizeof(step) : n;
		int rc = receive_all(call, step, part);

		if (rc < 0)
			return rc;
		if (out != NULL)
			str_add(out, step, part);
		if (out != NULL && str_is_full(out))
			return fail(call, "the answer is too large", 0);
		n -= part;
	}
	return 0;
}

/* 1: that was the end */
static int
take_record(struct call *call, struct str *out)
{
	unsigned char header[HEADER_SIZE], end[8];
	size_t n, padding;
	int rc = receive_all(call, header, sizeof(header));

	if (rc < 0)
		return rc;
	n = (size_t)header[4] << 8 | header[5];
	padding = header[6];
	if (header[0] != WIRE_VERSION || header[2] != 0 || header[3] != 1)
		return fail(call, "that is no FastCGI", 0);
	if (header[1] == END_REQUEST) {
		if (n != sizeof(end))
			return fail(call, "the end is malformed", 0);
		rc = receive_all(call, end, sizeof(end));
		if (rc == 0 && end[4] != 0)
			return fail(call, "the request was refused", 0);
		return rc < 0 ? rc : 1;
	}
	rc = take_content(call, n, header[1] == STDOUT ? out : NULL);
	return rc < 0 ? rc : take_content(call, padding, NULL);
}

static bool
take_status(struct fcgi_answer *out, const char *value)
{
	uint64_t status;

	if (strlen(value) < 3 || !num_parse_u64(value, 3, 599, &status) ||
	    status < 100 || (value[3] != ' ' && value[3] != '\0'))
		return false;
	out->status = (int)status;
	return true;
}

/* "Name: value" of n bytes */
static bool
take_header(struct call *call, struct fcgi_answer *out, const char *p, size_t n)
{
	const char *colon = memchr(p, ':', n);
	const char *name, *value;

	if (colon == NULL || colon == p || memchr(p, '\0', n) != NULL)
		return false;
	name = pool_memdup(call->pool, p, (size_t)(colon - p));
	value = pool_memdup(call->pool, colon + 1, n - (size_t)(colon + 1 - p));
	value += strspn(value, " \t");
	if (strcasecmp(name, "Status") == 0)
		return take_status(out, value);
	if (out->header_count == FCGI_ANSWER_HEADERS_MAX)
		return false;
	out->headers[out->header_count++] = (struct req_header){ name, value };
	return true;
}

/* head and body as a CGI program sends them (RFC 3875, 6) */
static int
parse_answer(struct call *call, const struct str *text, struct fcgi_answer *out)
{
	const char *end = memmem(text->p, text->len, "\r\n\r\n", 4);
	const char *p = text->p;

	*out = (struct fcgi_answer){ .status = 200 };
	if (end == NULL)
		return fail(call, "the answer has no head", 0);
	while (p < end) {
		const char *stop = memmem(p, (size_t)(end + 2 - p), "\r\n", 2);

		if (!take_header(call, out, p, (size_t)(stop - p)))
			return fail(call, "the answer's head is malformed", 0);
		p = stop + 2;
	}
	out->body = end + 4;
	out->body_size = text->len - (size_t)(out->body - text->p);
	return 0;
}

static int
ask(struct call *call, struct fcgi_answer *out)
{
	struct str question, answer;
	int rc = put_question(call, &question);

	if (rc == 0)
		rc = connect_to(call);
	if (rc == 0)
		rc = send_all(call, question.p, question.len);
	str_init(&answer, call->pool, call->question->answer_max);
	while (rc == 0)
		rc = take_record(call, &answer);
	return rc < 0 ? rc : parse_answer(call, &answer, out);
}

int
fcgi_client_ask(struct pool *pool, const struct fcgi_question *question,
    struct fcgi_answer *out, struct err *err)
{
	struct call call = { .question = question,
		.pool = pool,
		.err = err,
		.fd = -1,
		.until_us = time_monotonic_us() + question->wait_us };
	int rc = ask(&call, out);

	io_close(&call.fd);
	return rc;
}

const char *
fcgi_answer_header(const struct fcgi_answer *answer, const char *name)
{
	for (size_t i = 0; i < answer->header_count; i++)
		if (strcasecmp(answer->headers[i].name, name) == 0)
			return answer->headers[i].value;
	return NULL;
}
