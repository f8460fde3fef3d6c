/* What an upgrade hands to the program after it: read strictly. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "common/base/pool.h"
#include "common/base/str.h"
#include "fcgi/core/handover.h"

#define VARIABLE "DTR_HANDOVER"

static struct pool *pool;
static struct handover h;

static int
setup(void **state UNUSED)
{
	pool = pool_new((size_t)16 << 20);
	h = (struct handover){ .pid = 0 };
	unsetenv(VARIABLE);
	return 0;
}

static int
teardown(void **state UNUSED)
{
	pool_free(&pool);
	return 0;
}

static const char *
format(const struct handover *from)
{
	struct str text;

	str_init(&text, pool, 65536);
	handover_format(from, &text);
	assert_false(str_is_full(&text));
	return text.p;
}

static void
test_form(void **state UNUSED)
{
	const struct handover from = { .pid = 42,
		.socket_count = 2,
		.sockets = { { { 3, 4, 5 }, true }, { { 6, 7, 8 }, false } },
		.worker_count = 3,
		.workers = { { 100, 0, false }, { 101, 1, true },
		    { 2147483647, 3, false } } };
	static const char text[] =
	    "42;3,4,5,1;6,7,8,0;/100,0,0;101,1,1;2147483647,3,0;";

	assert_string_equal(format(&from), text);
	assert_true(handover_parse(&h, text));
	assert_int_equal(h.pid, 42);
	assert_int_equal(h.socket_count, 2);
	assert_int_equal(h.sockets[1].fds.listen_fd, 6);
	assert_int_equal(h.sockets[1].fds.take_fd, 7);
	assert_int_equal(h.sockets[1].fds.give_fd, 8);
	assert_true(h.sockets[0].is_ours);
	assert_false(h.sockets[1].is_ours);
	assert_int_equal(h.worker_count, 3);
	assert_int_equal(h.workers[2].pid, 2147483647);
	assert_int_equal(h.workers[2].pool, 3);
	assert_true(h.workers[1].drains);
	assert_false(h.workers[2].drains);
	assert_string_equal(format(&h), text);
}

static void
test_limits(void **state UNUSED)
{
	struct handover from = { .pid = 2147483647,
		.socket_count = SERVER_POOLS_MAX,
		.worker_count = METRICS_SLOTS };
	struct str more;

	for (size_t i = 0; i < METRICS_SLOTS; i++)
		from.workers[i].pid = 2147483647;
	assert_true(handover_parse(&h, format(&from)));
	assert_int_equal(h.socket_count, SERVER_POOLS_MAX);
	assert_int_equal(h.worker_count, METRICS_SLOTS);
	/* one more of each */
	str_init(&more, pool, 65536);
	str_printf(&more, "%s1,0,0;", format(&from));
	assert_false(handover_parse(&h, more.p));
	assert_false(
	    handover_parse(&h, "1;3,4,5,1;3,4,5,1;3,4,5,1;3,4,5,1;3,4,5,1;/"));
}

static void
test_odd_texts(void **state UNUSED)
{
	static const char *const texts[] = { "", "42", "42;", ";/", "x;/",
		"-1;/", "+1;/", " 1;/", "01;/", "2147483648;/",
		"99999999999999999999;/", "42;3;/", "42;3,4,5;/",
		"42;3,4,5,2;/", "42;3,4,5,x;/", "42;-3,4,5,1;/",
		"42;3,4,5,1,6;/", "42;3,4,5,1/", "42;3,4,5,1;", "42;/100",
		"42;/100,0", "42;/100;", "42;/100,0,;", "42;/100,0,2;",
		"42;/100,4,0;", "42;/100,-1,0;", "42;/-100,0,0;",
		"42;/100,0,0;x", "42;/100,0,0;;", "42;//", "42;/100,0,0;\n",
		"42 ;/" };

	assert_true(handover_parse(&h, "42;/"));
	/* of the first versions */
	assert_true(handover_parse(&h, "42;/100,1;101,0;"));
	assert_int_equal(h.worker_count, 2);
	assert_int_equal(h.workers[0].pool, 1);
	assert_false(h.workers[0].drains);
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (handover_parse(&h, texts[i]))
			fail_msg("\"%s\" is taken", texts[i]);
}

/* only what this process was given, and what is what it says */
static void
test_take(void **state UNUSED)
{
	/* with no more than this the kernel finds a name */
	const struct sockaddr no_name = { .sa_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct handover from = { .pid = getpid(),
		.socket_count = 1,
		.sockets = { { { fd, fd, fd }, true } },
		.worker_count = 1,
		.workers = { { 1, 0, false } } };

	assert_false(handover_take(&h));
	/* a socket that does not listen */
	handover_put(&from);
	assert_false(handover_take(&h));
	assert_null(getenv(VARIABLE));
	/* of another process: who started us was upgraded once */
	assert_int_equal(bind(fd, &no_name, sizeof(no_name.sa_family)), 0);
	assert_int_equal(listen(fd, 1), 0);
	from.pid = getppid();
	handover_put(&from);
	assert_false(handover_take(&h));
	assert_null(getenv(VARIABLE));
	from.pid = getpid();
	handover_put(&from);
	assert_true(handover_take(&h));
	assert_null(getenv(VARIABLE));
	assert_int_equal(h.sockets[0].fds.listen_fd, fd);
	/* process 1 is no child of ours and must get no signal */
	assert_int_equal(h.worker_count, 0);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(test_form),
	TEST(test_limits),
	TEST(test_odd_texts),
	TEST(test_take),
};

UNIT_MAIN(tests)
