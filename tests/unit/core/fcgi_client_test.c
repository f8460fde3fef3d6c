/*
 * The FastCGI client against a peer that says what each test tells it to, in
 * the pieces and at the times it says.
 */
#include "common/base/base.h"
#include "fcgi/core/fcgi_client.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/base/time.h"

#include "tests/unit/unit.h"

#define ANSWER_MAX ((size_t)4 << 20)
/* so long that it is never reached when all goes well */
#define LONG_US (60 * TIME_SECOND)

static char folder[] = "/tmp/dtr-unit-XXXXXX";
static char path[sizeof(folder) + 8];
static struct pool *pool;
static struct str said; /* what the peer says */
static struct err err;
static struct fcgi_answer answer;

static void
record(int type, int id, const void *p, size_t n, size_t padding)
{
	const unsigned char header[8] = { 1, (unsigned char)type,
		(unsigned char)(id >> 8), (unsigned char)id,
		(unsigned char)(n >> 8), (unsigned char)n,
		(unsigned char)padding, 0 };
	static const char zeros[255];

	str_add(&said, header, sizeof(header));
	str_add(&said, p, n);
	str_add(&said, zeros, padding);
}

static void
out(const char *text)
{
	record(6, 1, text, strlen(text), 0);
}

static void
end(int protocol_status)
{
	const unsigned char body[8] = { 0, 0, 0, 0,
		(unsigned char)protocol_status };

	record(3, 1, body, sizeof(body), 0);
}

/* how the peer behaves beside what it says */
struct peer {
	size_t piece; /* bytes in one write; 0: all at once */
	bool silent; /* says nothing until it is killed */
	bool stays; /* keeps the connection when all is said */
	pid_t pid;
	int heard_fd; /* what it was told comes here */
};

static void
peer_main(const struct peer *peer, int listen_fd, int heard_fd)
{
	size_t piece = peer->piece > 0 ? peer->piece : said.len;
	static char heard[65536];
	int fd = accept(listen_fd, NULL, NULL);
	ssize_t n = 0;
	bool whole = false;

	/* an empty STDIN record ends the question */
	while (fd >= 0 && !whole) {
		n = read(fd, heard, sizeof(heard));
		if (n <= 0 || write(heard_fd, heard, (size_t)n) != n)
			_exit(1);
		whole = n >= 8 && heard[n - 7] == 5;
	}
	close(heard_fd);
	for (size_t at = 0; at < said.len && !peer->silent; at += piece) {
		size_t part = said.len - at < piece ? said.len - at : piece;

		if (write(fd, said.p + at, part) != (ssize_t)part)
			_exit(0);
	}
	if (peer->silent || peer->stays)
		pause();
	_exit(0);
}

static void
start_peer(struct peer *peer)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int heard[2];

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	unlink(path);
	assert_int_equal(
	    bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(pipe(heard), 0);
	fcntl(heard[0], F_SETPIPE_SZ, 1 << 20);
	peer->pid = fork();
	assert_true(peer->pid >= 0);
	if (peer->pid == 0) {
		signal(SIGPIPE, SIG_IGN);
		close(heard[0]);
		peer_main(peer, fd, heard[1]);
	}
	close(fd);
	close(heard[1]);
	peer->heard_fd = heard[0];
}

static size_t
end_peer(struct peer *peer, char *heard, size_t size)
{
	size_t used = 0;
	ssize_t n = 1;

	while (heard != NULL && n > 0 && used < size) {
		n = read(peer->heard_fd, heard + used, size - used);
		used += n > 0 ? (size_t)n : 0;
	}
	close(peer->heard_fd);
	kill(peer->pid, SIGKILL);
	assert_int_equal(waitpid(peer->pid, NULL, 0), peer->pid);
	return used;
}

static const struct fcgi_question usual = {
	.who = "the peer",
	.socket = path,
	.method = "GET",
	.target = "/a?b",
	.wait_us = LONG_US,
	.answer_max = ANSWER_MAX,
};

static int
ask(struct peer *peer, const struct fcgi_question *question)
{
	int rc;

	start_peer(peer);
	rc = fcgi_client_ask(pool, question, &answer, &err);
	end_peer(peer, NULL, 0);
	return rc;
}

static int
setup(void **state UNUSED)
{
	pool = pool_new((size_t)32 << 20);
	str_init(&said, pool, 2 * ANSWER_MAX);
	err = (struct err){ .code = 0 };
	return 0;
}

static int
teardown(void **state UNUSED)
{
	pool_free(&pool);
	return 0;
}

static void
test_answer(void **state UNUSED)
{
	struct peer peer = { .pid = 0 };

	out("Status: 404 Not Found\r\nContent-Type: text/plain\r\n"
	    "X-Two:  a b \r\n\r\nbody");
	record(6, 1, "", 0, 0);
	end(0);
	assert_int_equal(ask(&peer, &usual), 0);
	assert_int_equal(answer.status, 404);
	assert_string_equal(answer.body, "body");
	assert_int_equal(answer.body_size, 4);
	assert_string_equal(
	    fcgi_answer_header(&answer, "content-type"), "text/plain");
	assert_string_equal(fcgi_answer_header(&answer, "X-TWO"), "a b ");
	assert_null(fcgi_answer_header(&answer, "Status"));
}

static void
test_no_status_is_200(void **state UNUSED)
{
	struct peer peer = { .pid = 0 };

	out("Content-Type: text/plain\r\n\r\n");
	end(0);
	assert_int_equal(ask(&peer, &usual), 0);
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.body_size, 0);
	assert_string_equal(answer.body, "");
}

/* padding, standard error, unknown records, and every cut */
static void
test_pieces(void **state UNUSED)
{
	struct peer peer = { .piece = 1 };

	record(7, 1, "a complaint", 11, 3);
	record(6, 1, "Status: 503 Busy\r", 17, 255);
	record(11, 1, "12345678", 8, 0);
	record(6, 1, "\nA: b\r\n\r", 8, 1);
	record(6, 1, "\nbo\0y", 5, 7);
	end(0);
	assert_int_equal(ask(&peer, &usual), 0);
	assert_int_equal(answer.status, 503);
	assert_int_equal(answer.body_size, 4);
	assert_memory_equal(answer.body, "bo\0y", 5);
}

/* it says all and keeps the connection: the end record is the end */
static void
test_end_without_close(void **state UNUSED)
{
	struct peer peer = { .stays = true };

	out("Status: 204 No Content\r\n\r\n");
	end(0);
	assert_int_equal(ask(&peer, &usual), 0);
	assert_int_equal(answer.status, 204);
}

static void
test_large_answer(void **state UNUSED)
{
	struct fcgi_question question = usual;
	struct peer peer = { .pid = 0 };
	size_t n = 60000;
	char *part = pool_alloc(pool, n);

	memset(part, 'x', n);
	out("Status: 200 OK\r\n\r\n");
	for (int i = 0; i < 20; i++)
		record(6, 1, part, n, 4);
	end(0);
	question.answer_max = 18 + 20 * n;
	assert_int_equal(ask(&peer, &question), 0);
	assert_int_equal(answer.body_size, 20 * n);
	assert_int_equal(strspn(answer.body, "x"), 20 * n);

	question.answer_max--;
	assert_int_equal(ask(&peer, &question), E_BUSY);
	assert_non_null(strstr(err.cause, "too large"));
}

struct broken {
	const char *name;
	const char *text; /* of standard output; NULL: nothing at all */
	const char *cause;
};

static void
test_no_answer(void **state UNUSED)
{
	static const struct broken items[] = {
		{ "nothing", "", "has no head" },
		{ "no end of the head", "Status: 200 OK\r\n", "has no head" },
		{ "a line without colon", "Status 200\r\n\r\n", "malformed" },
		{ "a line without name", ": 200\r\n\r\n", "malformed" },
		{ "a status that is a word", "Status: good\r\n\r\n",
		    "malformed" },
		{ "a short status", "Status: 20\r\n\r\n", "malformed" },
		{ "a long status", "Status: 2000 OK\r\n\r\n", "malformed" },
		{ "a status below 100", "Status: 099 OK\r\n\r\n", "malformed" },
		{ "a status over 599", "Status: 600 OK\r\n\r\n", "malformed" },
	};

	for (size_t i = 0; i < COUNT_OF(items); i++) {
		struct peer peer = { .pid = 0 };

		str_clear(&said);
		out(items[i].text);
		end(0);
		print_message("# %s\n", items[i].name);
		assert_int_equal(ask(&peer, &usual), E_BUSY);
		assert_string_equal(
		    err.text, "the peer does not answer, try again");
		assert_non_null(strstr(err.cause, items[i].cause));
	}
}

static void
test_too_many_headers(void **state UNUSED)
{
	struct peer peer = { .pid = 0 };

	for (int i = 0; i <= FCGI_ANSWER_HEADERS_MAX; i++)
		out("A: b\r\n");
	out("\r\n");
	end(0);
	assert_int_equal(ask(&peer, &usual), E_BUSY);
}

static void
test_broken_wire(void **state UNUSED)
{
	static const char good[] = "Status: 200 OK\r\n\r\nbody";
	struct peer peer = { .pid = 0 };
	size_t whole;

	/* cut off anywhere before its last byte it is no answer */
	out(good);
	end(0);
	whole = said.len;
	for (size_t n = 0; n < whole; n++) {
		said.len = n;
		assert_int_equal(ask(&peer, &usual), E_BUSY);
		assert_non_null(strstr(err.cause, "breaks off"));
	}
	said.len = whole;
	said.p[0] = 2; /* another version */
	assert_int_equal(ask(&peer, &usual), E_BUSY);
	assert_non_null(strstr(err.cause, "no FastCGI"));

	str_clear(&said);
	record(6, 2, good, strlen(good), 0); /* another request's */
	end(0);
	assert_int_equal(ask(&peer, &usual), E_BUSY);

	str_clear(&said);
	out(good);
	end(2); /* overloaded */
	assert_int_equal(ask(&peer, &usual), E_BUSY);
	assert_non_null(strstr(err.cause, "refused"));
}

static void
test_deadline(void **state UNUSED)
{
	struct fcgi_question question = usual;
	struct peer peer = { .silent = true };
	int64_t before = time_monotonic_us();

	question.wait_us = TIME_SECOND / 20;
	assert_int_equal(ask(&peer, &question), E_BUSY);
	assert_non_null(strstr(err.cause, "too slow"));
	assert_true(time_monotonic_us() - before >= question.wait_us);

	/* in the middle of an answer */
	peer = (struct peer){ .stays = true };
	out("Status: 200 OK\r\n\r\n");
	assert_int_equal(ask(&peer, &question), E_BUSY);
	assert_non_null(strstr(err.cause, "too slow"));
}

static void
test_nobody_there(void **state UNUSED)
{
	struct fcgi_question question = usual;
	char *name = pool_alloc(pool, 200);

	unlink(path);
	assert_int_equal(
	    fcgi_client_ask(pool, &question, &answer, &err), E_BUSY);
	assert_non_null(strstr(err.cause, "No such file"));
	memset(name, 'x', 199);
	question.socket = name;
	assert_int_equal(
	    fcgi_client_ask(pool, &question, &answer, &err), E_BUSY);
	assert_non_null(strstr(err.cause, "too long"));
}

/* what the peer hears, as the parameters of a request */
static char *
params_of(const char *heard, size_t n, size_t *size_out)
{
	char *params = pool_alloc(pool, n + 1);

	*size_out = 0;
	assert_memory_equal(heard, "\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0", 16);
	for (size_t at = 16; at + 8 <= n;) {
		const unsigned char *head = (const unsigned char *)heard + at;
		size_t length = (size_t)head[4] << 8 | head[5];

		assert_true(at + 8 + length <= n);
		if (head[1] == 4)
			memcpy(params + *size_out, heard + at + 8, length);
		*size_out += head[1] == 4 ? length : 0;
		at += 8 + length;
	}
	assert_memory_equal(
	    heard + n - 16, "\1\4\0\1\0\0\0\0\1\5\0\1\0\0\0\0", 16);
	return params;
}

static void
test_question(void **state UNUSED)
{
	char *heard = pool_alloc(pool, (size_t)1 << 20);
	char *value = pool_alloc(pool, 100001), *params;
	const struct req_header headers[] = {
		{ "AUTHORIZATION", value },
		{ "X_LEFT_OUT", NULL },
		{ "X_EMPTY", "" },
	};
	struct fcgi_question question = usual;
	struct peer peer = { .pid = 0 };
	size_t n, size;

	memset(value, 'v', 100000);
	question.remote = "192.0.2.7";
	question.headers = headers;
	question.header_count = COUNT_OF(headers);
	out("Status: 200 OK\r\n\r\n");
	end(0);
	start_peer(&peer);
	assert_int_equal(fcgi_client_ask(pool, &question, &answer, &err), 0);
	n = end_peer(&peer, heard, (size_t)1 << 20);
	params = params_of(heard, n, &size);
	assert_non_null(memmem(params, size, "\16\3REQUEST_METHODGET", 19));
	assert_non_null(memmem(params, size, "\13\4REQUEST_URI/a?b", 17));
	assert_non_null(memmem(params, size, "\13\11REMOTE_ADDR192.0.2.7", 22));
	/* 100000 is 0x186a0 */
	assert_non_null(
	    memmem(params, size, "\22\200\1\206\240HTTP_AUTHORIZATIONvvv", 26));
	assert_non_null(memmem(params, size, "\14\0HTTP_X_EMPTY", 14));
	assert_null(memmem(params, size, "LEFT_OUT", 8));
	assert_int_equal(
	    size, 19 + 17 + 22 + (2 + 15 + 8) + (5 + 18 + 100000) + 14);
}

static void
test_question_without_client(void **state UNUSED)
{
	char *heard = pool_alloc(pool, (size_t)1 << 20), *params;
	struct peer peer = { .pid = 0 };
	size_t n, size;

	out("Status: 200 OK\r\n\r\n");
	end(0);
	start_peer(&peer);
	assert_int_equal(fcgi_client_ask(pool, &usual, &answer, &err), 0);
	n = end_peer(&peer, heard, (size_t)1 << 20);
	params = params_of(heard, n, &size);
	assert_null(memmem(params, size, "REMOTE_ADDR", 11));
}

static void
test_question_too_large(void **state UNUSED)
{
	char *value = pool_alloc(pool, FCGI_QUESTION_MAX + 1);
	const struct req_header header = { "COOKIE", value };
	struct fcgi_question question = usual;

	memset(value, 'v', FCGI_QUESTION_MAX);
	question.headers = &header;
	question.header_count = 1;
	assert_int_equal(
	    fcgi_client_ask(pool, &question, &answer, &err), E_TOOBIG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answer),
		TEST(test_no_status_is_200),
		TEST(test_pieces),
		TEST(test_end_without_close),
		TEST(test_large_answer),
		TEST(test_no_answer),
		TEST(test_too_many_headers),
		TEST(test_broken_wire),
		TEST(test_deadline),
		TEST(test_nobody_there),
		TEST(test_question),
		TEST(test_question_without_client),
		TEST(test_question_too_large),
	};
	int rc;

	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/peer", folder);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	rmdir(folder);
	return rc;
}
