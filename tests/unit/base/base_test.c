/* A bug ends its process and says where, in a line that is JSON. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include <signal.h>
#include <sys/wait.h>

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/json/jscheck.h"
#include "common/json/jsr.h"

static const struct jscheck_limits limits = {
	.bytes = 4096,
	.depth = 1,
	.values = 20,
	.objects = 1,
};

/* what a child that fails with this condition writes */
static size_t
bug(const char *what, char *line, size_t size)
{
	int fds[2], status;
	ssize_t n;
	pid_t child;

	assert_int_equal(pipe(fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(fds[1], STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		base_bug("common/base/x.c", 42, what);
	}
	close(fds[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	n = read(fds[0], line, size);
	assert_true(n > 0);
	close(fds[0]);
	return (size_t)n;
}

static void
assert_bug(const char *what, const char *expected)
{
	struct pool *pool = pool_new((size_t)1 << 20);
	char line[2000];
	size_t n = bug(what, line, sizeof(line));
	const char *text = "";
	struct err err;
	struct jsr root;

	assert_int_equal(line[n - 1], '\n');
	assert_int_equal(jsr_parse(pool, line, n, &limits, &root, &err), 0);
	assert_int_equal(jsr_str(&root, "event", true, &text, &err), 0);
	assert_string_equal(text, "bug");
	assert_int_equal(jsr_str(&root, "where", true, &text, &err), 0);
	assert_string_equal(text, "common/base/x.c:42");
	assert_int_equal(jsr_str(&root, "what", true, &text, &err), 0);
	assert_string_equal(text, expected);
	pool_free(&pool);
}

static void
test_bug(void **state UNUSED)
{
	assert_bug("n > 0", "n > 0");
	assert_bug("strcmp(p, \"a\\n\") == 0", "strcmp(p, \"a\\n\") == 0");
}

static void
test_long_condition(void **state UNUSED)
{
	char what[1000], cut[1000];

	memset(what, '"', sizeof(what) - 1);
	what[sizeof(what) - 1] = '\0';
	memset(cut, '"', sizeof(cut));
	cut[255] = '\0';
	assert_bug(what, cut);
}

static void
test_assert(void **state UNUSED)
{
	int n = 1;

	ASSERT(n == 1);
	/* once evaluated, and always */
	ASSERT(++n == 2);
	assert_int_equal(n, 2);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_bug),
	cmocka_unit_test(test_long_condition),
	cmocka_unit_test(test_assert),
};

UNIT_MAIN(tests)
