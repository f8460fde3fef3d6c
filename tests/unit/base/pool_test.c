/* Pools: zeroed memory, order of release, ceilings, secrets. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include <malloc.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/base/pool.h"
#include "tests/unit/aborts.h"

#define CEILING ((size_t)1 << 20)

static void
test_alloc(void **state UNUSED)
{
	static const unsigned char zero[70000];
	static const size_t sizes[] = { 1, 15, 16, 17, 8176, 8192, 8193, 32768,
		32769, 70000 };
	struct pool *pool = pool_new(CEILING);

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < COUNT_OF(sizes); i++) {
			unsigned char *p = pool_alloc(pool, sizes[i]);

			assert_int_equal(
			    (uintptr_t)p % _Alignof(max_align_t), 0);
			assert_memory_equal(p, zero, sizes[i]);
			memset(p, 0xff, sizes[i]);
		}
		/* what was used comes back zeroed */
		pool_clear(pool);
	}
	pool_free(&pool);
	assert_null(pool);
	pool_free(&pool);
}

static void
test_pieces_are_apart(void **state UNUSED)
{
	struct pool *pool = pool_new(CEILING);
	unsigned char *pieces[200];

	for (size_t i = 0; i < COUNT_OF(pieces); i++) {
		pieces[i] = pool_alloc(pool, i);
		assert_non_null(pieces[i]);
		memset(pieces[i], (int)i, i);
	}
	for (size_t i = 0; i < COUNT_OF(pieces); i++)
		for (size_t k = 0; k < i; k++)
			assert_int_equal(pieces[i][k], i);
	pool_free(&pool);
}

static void
test_texts(void **state UNUSED)
{
	static const char bytes[] = { 'a', '\0', 'b' };
	struct pool *pool = pool_new(CEILING);
	char *copy = pool_memdup(pool, bytes, sizeof(bytes));
	char *longer;

	assert_memory_equal(copy, "a\0b", 4);
	assert_string_equal(pool_memdup(pool, NULL, 0), "");
	assert_string_equal(pool_strdup(pool, ""), "");
	assert_string_equal(pool_strdup(pool, "text"), "text");
	assert_string_equal(pool_printf(pool, "%s-%d", "a", 7), "a-7");
	assert_string_equal(pool_printf(pool, "%s", ""), "");
	longer = pool_printf(pool, "%0100000d", 1);
	assert_int_equal(strlen(longer), 100000);
	pool_free(&pool);
}

static char order[16];

static void
note(void *object)
{
	size_t n = strlen(order);

	assert_true(n + 1 < sizeof(order));
	order[n] = *(char *)object;
}

static void
test_release_order(void **state UNUSED)
{
	char names[] = "abc";
	struct pool *pool = pool_new(CEILING);

	memset(order, 0, sizeof(order));
	for (size_t i = 0; i < 3; i++)
		pool_on_free(pool, note, &names[i]);
	assert_string_equal(order, "");
	pool_clear(pool);
	assert_string_equal(order, "cba");
	/* once only */
	pool_clear(pool);
	assert_string_equal(order, "cba");
	pool_on_free(pool, note, &names[1]);
	pool_free(&pool);
	assert_string_equal(order, "cbab");
}

static void
register_more(void *object)
{
	static char name = 'm';
	struct pool *pool = object;

	/* more than a block: the list of blocks changes meanwhile */
	memset(pool_alloc(pool, 100000), 0xff, 100000);
	pool_on_free(pool, note, &name);
}

/* leaks nothing, which the sanitizer sees */
static void
test_release_allocates(void **state UNUSED)
{
	struct pool *pool = pool_new(CEILING);

	memset(order, 0, sizeof(order));
	pool_on_free(pool, register_more, pool);
	pool_clear(pool);
	assert_string_equal(order, "m");
	assert_int_equal(pool_used(pool), 0);
	pool_on_free(pool, register_more, pool);
	pool_free(&pool);
	assert_string_equal(order, "mm");
}

static void
test_ceiling(void **state UNUSED)
{
	struct pool *pool = pool_new(1024);

	for (int round = 0; round < 10; round++) {
		pool_alloc(pool, 512);
		pool_alloc(pool, 512);
		assert_int_equal(pool_used(pool), 1024);
		pool_alloc(pool, 0);
		pool_clear(pool);
		assert_int_equal(pool_used(pool), 0);
	}
	pool_free(&pool);
}

static void
pass_ceiling(void)
{
	struct pool *pool = pool_new(1024);

	pool_alloc(pool, 1000);
	pool_alloc(pool, 32);
}

static void
pass_ceiling_at_once(void)
{
	pool_alloc(pool_new(1024), 1025);
}

static void
array_overflows(void)
{
	pool_array(pool_new(CEILING), SIZE_MAX / 8 + 1, 8);
}

static void
memdup_overflows(void)
{
	pool_memdup(pool_new(CEILING), "", SIZE_MAX);
}

static void
no_ceiling(void)
{
	struct pool *pool = pool_new(SIZE_MAX);

	pool_free(&pool);
}

static void
test_bugs(void **state UNUSED)
{
	assert_true(aborts(pass_ceiling));
	assert_true(aborts(pass_ceiling_at_once));
	assert_true(aborts(array_overflows));
	assert_true(aborts(memdup_overflows));
	assert_true(aborts(no_ceiling));
}

#define SECRET "correct horse battery staple"

static const char *secret; /* in memory that is to be given back */
static size_t wiped;

/* the linker puts it in the place of the real one: see local.mk */
void __wrap_free(void *p);
void __real_free(void *p);

void
__wrap_free(void *p)
{
	uintptr_t begin = (uintptr_t)p, at = (uintptr_t)secret;
	size_t n = p != NULL ? malloc_usable_size(p) : 0;

	if (at > begin && at < begin + n) {
		for (size_t i = 0; i < sizeof(SECRET); i++)
			assert_int_equal(secret[i], 0);
		secret = NULL;
		wiped++;
	}
	__real_free(p);
}

/* in a block that is given back: the pool keeps the first one */
static void
put_secret(struct pool *pool)
{
	char *text;

	pool_alloc(pool, 30000);
	text = pool_alloc(pool, 30000);
	memcpy(text, SECRET, sizeof(SECRET));
	secret = text;
}

static void
test_memory_is_wiped_before_it_is_given_back(void **state UNUSED)
{
	struct pool *pool = pool_new(CEILING);

	put_secret(pool);
	pool_clear(pool);
	assert_int_equal(wiped, 1);
	put_secret(pool);
	pool_free(&pool);
	assert_int_equal(wiped, 2);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_alloc),
	cmocka_unit_test(test_pieces_are_apart),
	cmocka_unit_test(test_texts),
	cmocka_unit_test(test_release_order),
	cmocka_unit_test(test_release_allocates),
	cmocka_unit_test(test_ceiling),
	cmocka_unit_test(test_bugs),
	cmocka_unit_test(test_memory_is_wiped_before_it_is_given_back),
};

UNIT_MAIN(tests)
