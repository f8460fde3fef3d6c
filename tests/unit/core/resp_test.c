/* Answers as they go over the wire, and the list of errors. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/base/err.h"
#include "common/base/log.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "fcgi/core/errlist.h"
#include "fcgi/core/fcgi_io.h"
#include "fcgi/core/req.h"

static struct pool *pool;
static struct req *req;
static struct err err;
static struct str wire;
static bool is_gone;
static bool is_broken;

/* in the place of the real wire */
int
fcgi_io_write(struct fcgi_io *io UNUSED, const void *p, size_t n)
{
	if (is_gone)
		return -1;
	str_add(&wire, p, n);
	return 0;
}

void
fcgi_io_break(struct fcgi_io *io UNUSED)
{
	is_broken = true;
}

static void
begin(void)
{
	req = pool_alloc(pool, sizeof(*req));
	req->pool = pool;
	req->method = METHOD_GET;
	req->status = 200;
	str_init(&wire, pool, (size_t)4 << 20);
	is_gone = is_broken = false;
	err_clear(&err);
}

static int
setup(void **state UNUSED)
{
	pool = pool_new((size_t)64 << 20);
	begin();
	return 0;
}

static int
teardown(void **state UNUSED)
{
	pool_free(&pool);
	return 0;
}

static void
test_send(void **state UNUSED)
{
	resp_status(req, 201);
	resp_header(req, "Location", "/v2/a");
	resp_printf(req, "Range", "0-%d", 99);
	resp_send(req, "text/plain", "hello", 5);
	assert_string_equal(wire.p,
	    "Status: 201 Created\r\nContent-Type: text/plain\r\n"
	    "Location: /v2/a\r\nRange: 0-99\r\nContent-Length: 5\r\n\r\n"
	    "hello");
	assert_true(req->head_sent);
	assert_int_equal(req->bytes_out, 5);
	assert_int_equal(req->body_left, 0);
}

static void
test_without_type_and_body(void **state UNUSED)
{
	resp_status(req, 404);
	resp_send(req, NULL, "", 0);
	assert_string_equal(
	    wire.p, "Status: 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

static void
test_head(void **state UNUSED)
{
	req->method = METHOD_HEAD;
	resp_send(req, "text/plain", "hello", 5);
	assert_string_equal(wire.p,
	    "Status: 200 OK\r\nContent-Type: text/plain\r\n"
	    "Content-Length: 5\r\n\r\n");
	assert_int_equal(req->bytes_out, 0);
	assert_int_equal(req->body_left, 0);
}

/* RFC 9110: neither body nor length */
static void
test_statuses_without_body(void **state UNUSED)
{
	static const struct {
		int status;
		const char *head;
	} cases[] = { { 204, "Status: 204 No Content\r\n\r\n" },
		{ 304, "Status: 304 Not Modified\r\n\r\n" } };

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		begin();
		resp_status(req, cases[i].status);
		resp_send(req, NULL, "hello", 5);
		assert_string_equal(wire.p, cases[i].head);
	}
}

static void
test_stream(void **state UNUSED)
{
	resp_stream(req, "text/plain", 10);
	assert_int_equal(req->body_left, 10);
	assert_int_equal(resp_write(req, "hello", 5, &err), 0);
	assert_int_equal(resp_write(req, "", 0, &err), 0);
	assert_int_equal(req->body_left, 5);
	assert_int_equal(resp_write(req, "world", 5, &err), 0);
	assert_int_equal(req->body_left, 0);
	assert_string_equal(wire.p,
	    "Status: 200 OK\r\nContent-Type: text/plain\r\n"
	    "Content-Length: 10\r\n\r\nhelloworld");
}

static void
test_client_that_is_gone(void **state UNUSED)
{
	resp_stream(req, "text/plain", 10);
	is_gone = true;
	assert_int_equal(resp_write(req, "hello", 5, &err), E_ABORTED);
	assert_int_equal(req->bytes_out, 0);
	assert_false(is_broken); /* the handler decides */
	begin();
	is_gone = true;
	resp_send(req, "text/plain", "hello", 5);
	assert_true(is_broken);
}

static void
test_handover(void **state UNUSED)
{
	resp_handover(req, "text/plain", "X-Accel-Redirect", "/_blobs/ab/cd");
	assert_string_equal(wire.p,
	    "Status: 200 OK\r\nContent-Type: text/plain\r\n"
	    "X-Accel-Redirect: /_blobs/ab/cd\r\n\r\n");
}

static void
test_headers(void **state UNUSED)
{
	static const char *const bad[] = { "a\nb", "a\r\nSet-Cookie: b", "\r",
		"a\tb", "\x01", "\x1f", "a\x7f" };

	resp_header(req, "X-Same", "one");
	resp_header(req, "X-Empty", "");
	resp_header(req, "X-Same", "two");
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		resp_header(req, "X-Bad", bad[i]);
	/* one that is dropped leaves a good one before it */
	resp_header(req, "X-Same", "th\nree");
	resp_header(req, "X-Word", "na\xc3\xafve ~");
	resp_send(req, NULL, "", 0);
	assert_string_equal(wire.p,
	    "Status: 200 OK\r\nX-Same: two\r\nX-Empty: \r\n"
	    "X-Word: na\xc3\xafve ~\r\nContent-Length: 0\r\n\r\n");
}

static void
test_long_headers(void **state UNUSED)
{
	char *value = pool_alloc(pool, (32 << 10) + 2);

	memset(value, 'x', (32 << 10) + 1);
	resp_header(req, "X-Long", value);
	assert_int_equal(req->header_count, 0);
	value[32 << 10] = '\0';
	for (int i = 0; i < REQ_HEADERS_MAX; i++)
		resp_header(req, pool_printf(pool, "X-%d", i), value);
	resp_send(req, NULL, "", 0);
	assert_true(wire.len > (size_t)REQ_HEADERS_MAX << 15);
	assert_string_equal(
	    wire.p + wire.len - 22, "\nContent-Length: 0\r\n\r\n");
}

/* what stands behind the number goes on to the client */
static void
test_reasons(void **state UNUSED)
{
	static const struct {
		int status;
		const char *line;
	} cases[] = { { 200, "Status: 200 OK\r\n" },
		{ 401, "Status: 401 Unauthorized\r\n" },
		{ 416, "Status: 416 Range Not Satisfiable\r\n" },
		{ 507, "Status: 507 Insufficient Storage\r\n" } };

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		begin();
		resp_status(req, cases[i].status);
		resp_send(req, NULL, "", 0);
		assert_memory_equal(
		    wire.p, cases[i].line, strlen(cases[i].line));
	}
	/* one without words of its own has a line of the right form too */
	begin();
	resp_status(req, 418);
	resp_send(req, NULL, "", 0);
	assert_memory_equal(wire.p, "Status: 418 ", 12);
	assert_true(wire.p[12] != '\r');
}

static const char *
body(void)
{
	return strstr(wire.p, "\r\n\r\n") + 4;
}

static void
test_error(void **state UNUSED)
{
	resp_status(req, 404);
	errlist_send_one(req, "NAME_UNKNOWN", "no repository \"a\"");
	assert_string_equal(wire.p,
	    "Status: 404 Not Found\r\nContent-Type: application/json\r\n"
	    "Content-Length: 68\r\n\r\n"
	    "{\"errors\":[{\"code\":\"NAME_UNKNOWN\","
	    "\"message\":\"no repository \\\"a\\\"\"}]}");
	assert_int_equal(strlen(body()), 68);
}

static void
test_errors_with_detail(void **state UNUSED)
{
	struct errlist list;

	resp_status(req, 400);
	errlist_begin(&list, req);
	errlist_add(&list, "ONE", "first", "digest", "sha256:0");
	errlist_add(&list, "TWO", "second", NULL, NULL);
	errlist_add(&list, "THREE", "third", "name", "<\n\x01\xff>");
	errlist_send(&list);
	assert_string_equal(body(),
	    "{\"errors\":["
	    "{\"code\":\"ONE\",\"message\":\"first\","
	    "\"detail\":{\"digest\":\"sha256:0\"}},"
	    "{\"code\":\"TWO\",\"message\":\"second\"},"
	    "{\"code\":\"THREE\",\"message\":\"third\","
	    "\"detail\":{\"name\":\"<\\u000a\\u0001\\ufffd>\"}}]}");
}

static void
test_no_errors(void **state UNUSED)
{
	struct errlist list;

	errlist_begin(&list, req);
	errlist_send(&list);
	assert_string_equal(body(), "{\"errors\":[]}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(test_send),
	TEST(test_without_type_and_body),
	TEST(test_head),
	TEST(test_statuses_without_body),
	TEST(test_stream),
	TEST(test_client_that_is_gone),
	TEST(test_handover),
	TEST(test_headers),
	TEST(test_long_headers),
	TEST(test_reasons),
	TEST(test_error),
	TEST(test_errors_with_detail),
	TEST(test_no_errors),
};

UNIT_MAIN(tests)
