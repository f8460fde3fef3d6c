/* Growing strings: the NUL is kept, the maximum holds. */
#include "common/base/base.h"
#include "tests/unit/pool_fixture.h"

#include "common/base/pool.h"
#include "common/base/str.h"
#include "tests/unit/aborts.h"

static void
assert_text(const struct str *s, const char *text)
{
	assert_int_equal(s->len, strlen(text));
	assert_string_equal(s->p, text);
}

/* on the heap and in a pool alike */
static void
test_appending(void **state UNUSED)
{
	for (int round = 0; round < 2; round++) {
		struct str s;

		str_init(&s, round == 0 ? NULL : pool, 1000);
		assert_text(&s, "");
		str_add(&s, NULL, 0);
		str_puts(&s, "");
		assert_text(&s, "");
		str_puts(&s, "one");
		str_putc(&s, ' ');
		str_printf(&s, "%d %s", 2, "three");
		str_add(&s, " four and", 5);
		assert_text(&s, "one 2 three four");
		assert_false(str_is_full(&s));
		str_clear(&s);
		assert_text(&s, "");
		str_puts(&s, "again");
		assert_text(&s, "again");
		str_release(&s);
		assert_text(&s, "");
		str_release(&s);
	}
}

static void
test_bytes(void **state UNUSED)
{
	struct str s;

	str_init(&s, pool, 100);
	str_add(&s, "a\0b", 3);
	str_putc(&s, '\0');
	assert_int_equal(s.len, 4);
	assert_memory_equal(s.p, "a\0b\0", 5);
}

static void
test_growth(void **state UNUSED)
{
	for (int round = 0; round < 2; round++) {
		struct str s;

		str_init(&s, round == 0 ? NULL : pool, 100000);
		for (size_t i = 0; i < 100000; i++) {
			str_putc(&s, (char)('a' + i % 26));
			assert_int_equal(s.p[s.len], '\0');
		}
		for (size_t i = 0; i < 100000; i++)
			assert_int_equal(s.p[i], 'a' + i % 26);
		assert_false(str_is_full(&s));
		str_putc(&s, 'x');
		assert_true(str_is_full(&s));
		assert_int_equal(s.len, 100000);
		str_release(&s);
	}
}

static void
test_maximum(void **state UNUSED)
{
	static const size_t maxima[] = { 0, 1, 63, 64, 65, 128, 1000 };

	for (size_t i = 0; i < COUNT_OF(maxima); i++) {
		size_t max = maxima[i];
		struct str s;

		str_init(&s, NULL, max);
		while (s.len < max) {
			size_t left = max - s.len;

			str_add(&s, "0123456789", left < 10 ? left : 10);
			assert_false(str_is_full(&s));
		}
		str_add(&s, "", 0);
		assert_false(str_is_full(&s));
		str_puts(&s, "more");
		assert_true(str_is_full(&s));
		assert_int_equal(s.len, max);
		assert_int_equal(strlen(s.p), max);
		/* the flag stays until a clear */
		str_puts(&s, "");
		assert_true(str_is_full(&s));
		str_clear(&s);
		assert_false(str_is_full(&s));
		str_release(&s);
	}
}

/* what fits is kept */
static void
test_cut_piece(void **state UNUSED)
{
	struct str s;

	str_init(&s, pool, 8);
	str_puts(&s, "12345");
	str_printf(&s, "%s", "6789");
	assert_text(&s, "12345678");
	assert_true(str_is_full(&s));
}

static void
test_printf_long(void **state UNUSED)
{
	static const int widths[] = { 254, 255, 256, 257, 5000 };

	for (size_t i = 0; i < COUNT_OF(widths); i++) {
		struct str s;

		str_init(&s, pool, 6000);
		str_puts(&s, "x");
		str_printf(&s, "%*d", widths[i], 7);
		assert_int_equal(s.len, widths[i] + 1);
		assert_int_equal(s.p[s.len - 1], '7');
		assert_false(str_is_full(&s));
		str_init(&s, pool, 200);
		str_printf(&s, "%0*d", widths[i], 7);
		assert_true(str_is_full(&s));
		assert_int_equal(strspn(s.p, "0"), 200);
	}
}

static void
no_maximum(void)
{
	struct str s;

	str_init(&s, NULL, SIZE_MAX);
}

static void
test_bugs(void **state UNUSED)
{
	assert_true(aborts(no_maximum));
}

static const struct CMUnitTest tests[] = {
	POOL_TEST(test_appending),
	POOL_TEST(test_bytes),
	POOL_TEST(test_growth),
	POOL_TEST(test_maximum),
	POOL_TEST(test_cut_piece),
	POOL_TEST(test_printf_long),
	POOL_TEST(test_bugs),
};

UNIT_MAIN(tests)
