/* The log: one JSON object a line, whatever is logged. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include <fcntl.h>

#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/log.h"
#include "common/base/pool.h"
#include "common/json/jscheck.h"
#include "common/json/jsr.h"

#define LINE_MAX_SIZE 4096

static const struct jscheck_limits limits = {
	.bytes = LINE_MAX_SIZE,
	.depth = 1,
	.values = 400,
	.objects = 1,
};

static struct pool *pool;
static struct jsr object;
static int saved = -1, file = -1;

static int
setup(void **state UNUSED)
{
	char path[] = "/tmp/dtr-log-XXXXXX";

	pool = pool_new((size_t)4 << 20);
	log_init(LOG_INFO, "test");
	file = mkstemp(path);
	saved = dup(STDERR_FILENO);
	if (file < 0 || saved < 0 || unlink(path) < 0)
		return -1;
	return 0;
}

static int
teardown(void **state UNUSED)
{
	io_close(&file);
	io_close(&saved);
	pool_free(&pool);
	return 0;
}

/* from here to take() standard error goes to the file */
static void
divert(void)
{
	assert_int_equal(ftruncate(file, 0), 0);
	assert_int_equal(lseek(file, 0, SEEK_SET), 0);
	dup2(file, STDERR_FILENO);
}

static const char *
take(size_t *n)
{
	char *text = pool_alloc(pool, 3 * LINE_MAX_SIZE);
	ssize_t done;

	dup2(saved, STDERR_FILENO);
	done = pread(file, text, 3 * LINE_MAX_SIZE - 1, 0);
	assert_true(done >= 0);
	*n = (size_t)done;
	return text;
}

/* the one line that was logged, as an object */
static const char *
take_line(void)
{
	struct err err = ERR_INIT;
	size_t n;
	const char *line = take(&n);

	assert_true(n > 1 && n <= LINE_MAX_SIZE);
	assert_ptr_equal(memchr(line, '\n', n), line + n - 1);
	for (size_t i = 0; i + 1 < n; i++)
		assert_in_range(line[i], 0x20, 0x7e);
	if (jsr_parse(pool, line, n, &limits, &object, &err) < 0)
		fail_msg("%s: %s", err.text, line);
	return line;
}

static const char *
text_of(const char *name)
{
	const char *text = NULL;
	struct err err;

	assert_int_equal(jsr_str(&object, name, true, &text, &err), 0);
	return text;
}

static int64_t
number_of(const char *name)
{
	int64_t number = 0;
	struct err err;

	assert_int_equal(
	    jsr_int(&object, name, true, INT64_MIN, INT64_MAX, &number, &err),
	    0);
	return number;
}

static void
test_fields(void **state UNUSED)
{
	struct log_context ctx = { .request_id = "r-1" };
	static const char *const names[] = { "time", "level", "program",
		"event", "request_id", "name", "n", "least", "more" };
	struct jsr_walk walk;
	struct jsr value;
	const char *name;
	size_t count = 0;

	divert();
	log_event(&ctx, LOG_WARN, "event_name", LOG_TEXT("name", "a b"),
	    LOG_TEXT("absent", NULL), LOG_NUMBER("n", 42),
	    LOG_NUMBER("least", INT64_MIN + 1), LOG_NUMBER("more", INT64_MAX));
	take_line();
	walk = jsr_walk(&object);
	while (jsr_next(&walk, &name, &value))
		assert_string_equal(name, names[count++]);
	assert_int_equal(count, COUNT_OF(names));
	assert_string_equal(text_of("level"), "warn");
	assert_string_equal(text_of("program"), "test");
	assert_string_equal(text_of("event"), "event_name");
	assert_string_equal(text_of("request_id"), "r-1");
	assert_string_equal(text_of("name"), "a b");
	assert_true(number_of("n") == 42);
	assert_true(number_of("least") == INT64_MIN + 1);
	assert_true(number_of("more") == INT64_MAX);
	assert_int_equal(strlen(text_of("time")), 27);
}

static void
test_no_fields(void **state UNUSED)
{
	struct log_context ctx = { .request_id = NULL };

	divert();
	log_fields(&ctx, LOG_INFO, "event", NULL, 0);
	take_line();
	assert_int_equal(jsr_count(&object), 4);
	divert();
	log_fields(NULL, LOG_ERROR, "event", NULL, 0);
	take_line();
	assert_string_equal(text_of("level"), "error");
}

static void
test_levels(void **state UNUSED)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };
	enum log_level level = LOG_ERROR;
	size_t n;

	for (int least = LOG_DEBUG; least <= LOG_ERROR; least++) {
		assert_true(log_level_parse(names[least], &level));
		assert_int_equal(level, least);
		log_init(level, "test");
		for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
			assert_int_equal(
			    log_is_on((enum log_level)i), i >= least);
			divert();
			log_fields(NULL, (enum log_level)i, "event", NULL, 0);
			take(&n);
			assert_int_equal(n > 0, i >= least);
		}
	}
	level = LOG_WARN;
	assert_false(log_level_parse("", &level));
	assert_false(log_level_parse("INFO", &level));
	assert_false(log_level_parse("information", &level));
	assert_int_equal(level, LOG_WARN);
}

static void
test_escapes(void **state UNUSED)
{
	static const struct {
		const char *text;
		const char *read; /* NULL: as it was */
	} cases[] = {
		{ "", NULL },
		{ "quote \" and \\ backslash", NULL },
		{ "\x01\x1f\x7f\r\n\t\x1b[31m", NULL },
		{ "r\xc3\xa9gistre", NULL },
		{ "\xe6\x97\xa5\xe6\x9c\xac", NULL },
		{ "\xf0\x9f\x90\x8b", NULL },
		{ "\xc2\x9b", NULL }, /* a control character, too */
		{ "a\xff"
		  "b\xc3",
		    "a\xef\xbf\xbd"
		    "b\xef\xbf\xbd" },
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		divert();
		log_event(NULL, LOG_INFO, "event",
		    LOG_TEXT("text", cases[i].text), LOG_NUMBER("after", 1));
		take_line();
		assert_string_equal(text_of("text"),
		    cases[i].read != NULL ? cases[i].read : cases[i].text);
		assert_true(number_of("after") == 1);
	}
}

static char *
repeated(const char *piece, size_t count)
{
	size_t n = strlen(piece);
	char *text = pool_alloc(pool, n * count + 1);

	for (size_t i = 0; i < count; i++)
		memcpy(text + i * n, piece, n);
	return text;
}

static void
test_long_text(void **state UNUSED)
{
	divert();
	log_event(NULL, LOG_INFO, "event",
	    LOG_TEXT("text", repeated("x", 100000)), LOG_NUMBER("after", 1));
	take_line();
	assert_int_equal(strlen(text_of("text")), 1024);
	assert_true(number_of("after") == 1);
}

/* each length of the first field ends the line at another place */
static void
test_full_line(void **state UNUSED)
{
	static const char *const pieces[] = { "x", "\"", "\n", "\xc3\xa9",
		"\xf0\x9f\x90\x8b", "\xff" };

	for (size_t i = 0; i < COUNT_OF(pieces); i++) {
		for (size_t n = 0; n < 40; n++) {
			const char *text = repeated(pieces[i], 1000);

			divert();
			log_event(NULL, LOG_INFO, "event",
			    LOG_TEXT("odd", repeated("o", n)),
			    LOG_TEXT("a", text), LOG_TEXT("b", text),
			    LOG_TEXT("c", text), LOG_TEXT("d", text),
			    LOG_TEXT("e", text), LOG_NUMBER("n", INT64_MAX));
			take_line();
			assert_string_equal(text_of("event"), "event");
		}
		pool_clear(pool);
	}
}

static void
test_err(void **state UNUSED)
{
	struct err err;

	err_set(&err, E_BUSY, "the database does not answer");
	divert();
	log_err(NULL, LOG_ERROR, "request_failed", &err);
	take_line();
	assert_string_equal(text_of("code"), "busy");
	assert_string_equal(text_of("error"), "the database does not answer");
	assert_false(jsr_has(&object, "cause"));
	err_cause(&err, "timeout");
	divert();
	log_err(NULL, LOG_ERROR, "request_failed", &err);
	take_line();
	assert_string_equal(text_of("cause"), "timeout");
}

#define TEST(function) \
 cmocka_unit_test_setup_teardown(function, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(test_fields),
	TEST(test_no_fields),
	TEST(test_levels),
	TEST(test_escapes),
	TEST(test_long_text),
	TEST(test_full_line),
	TEST(test_err),
};

UNIT_MAIN(tests)
