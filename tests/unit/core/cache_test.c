/* The cache of proven values: what stays, what goes and what is wiped. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include <malloc.h>
#include <stdlib.h>

#include "common/base/pool.h"
#include "common/base/time.h"
#include "fcgi/core/cache.h"

#define SECRET "correct horse battery staple"
#define KIB    ((size_t)1 << 10)

static struct pool *pool;
static struct cache *cache;
static int64_t now_us;
static size_t freed_secrets;
static bool is_looking; /* at the cache's memory: a pool's is poisoned */

/* the linker puts these in the place of the real ones: see local.mk */
int64_t __wrap_time_monotonic_us(void);
void __wrap_free(void *p);
void __real_free(void *p);

int64_t
__wrap_time_monotonic_us(void)
{
	return now_us;
}

void
__wrap_free(void *p)
{
	size_t n = is_looking && p != NULL ? malloc_usable_size(p) : 0;

	if (n > 0 && memmem(p, n, SECRET, strlen(SECRET)) != NULL)
		freed_secrets++;
	__real_free(p);
}

static int
setup(void **state UNUSED)
{
	now_us = 1000 * TIME_SECOND;
	freed_secrets = 0;
	is_looking = true;
	pool = pool_new((size_t)64 << 20);
	cache = cache_new(64 * KIB);
	return 0;
}

static int
teardown(void **state UNUSED)
{
	cache_free(&cache);
	assert_null(cache);
	assert_int_equal(freed_secrets, 0);
	is_looking = false;
	pool_free(&pool);
	return 0;
}

static const unsigned char *
key(unsigned number)
{
	unsigned char *bytes = pool_alloc(pool, CACHE_KEY_SIZE);

	memcpy(bytes + 3, &number, sizeof(number));
	return bytes;
}

static void
put(unsigned number, const char *text, int64_t expires_us)
{
	cache_put(cache, key(number), text, strlen(text), expires_us);
}

static void
put_large(unsigned number, size_t n)
{
	char *text = pool_alloc(pool, n);

	memset(text, 'x', n);
	cache_put(cache, key(number), text, n, 0);
}

/* NULL if absent */
static const char *
get(unsigned number)
{
	size_t n = 12345;
	const char *text = cache_get(cache, key(number), pool, &n);

	assert_true(text == NULL || strlen(text) == n);
	return text;
}

static bool
has(unsigned number)
{
	size_t n;

	return cache_get(cache, key(number), pool, &n) != NULL;
}

static void
test_values(void **state UNUSED)
{
	static const unsigned char bytes[] = { 0, 1, 0, 255 };
	size_t n;

	assert_null(get(1));
	put(1, "one", 0);
	put(2, "two", 0);
	assert_string_equal(get(1), "one");
	assert_string_equal(get(2), "two");
	assert_null(get(3));
	put(1, "another", 0);
	assert_string_equal(get(1), "another");
	put(4, "", 0);
	assert_string_equal(get(4), "");
	cache_put(cache, key(5), bytes, sizeof(bytes), 0);
	assert_memory_equal(
	    cache_get(cache, key(5), pool, &n), bytes, sizeof(bytes));
	assert_int_equal(n, sizeof(bytes));
}

static void
test_a_copy_is_the_callers(void **state UNUSED)
{
	size_t n;
	char *copy;

	put(1, SECRET, 0);
	copy = cache_get(cache, key(1), pool, &n);
	copy[0] = '-';
	assert_string_equal(get(1), SECRET);
	cache_clear(cache);
	assert_string_equal(copy + 1, &SECRET[1]);
	/* it is the pool's, not the cache's to wipe */
	memset(copy, 0, n);
}

static void
test_all_of_the_key_counts(void **state UNUSED)
{
	unsigned char a[CACHE_KEY_SIZE] = { 0 }, b[CACHE_KEY_SIZE];
	size_t n;

	cache_put(cache, a, "a", 1, 0);
	for (size_t i = 0; i < sizeof(b); i++) {
		memcpy(b, a, sizeof(b));
		b[i] = 1;
		assert_null(cache_get(cache, b, pool, &n));
	}
}

static void
test_clear(void **state UNUSED)
{
	put(1, SECRET, 0);
	put(2, "two", 0);
	put(3, "three", 0);
	cache_clear(cache);
	assert_null(get(1));
	assert_null(get(2));
	assert_null(get(3));
	cache_clear(cache);
	put(2, "again", 0);
	assert_string_equal(get(2), "again");
}

static void
test_expiry(void **state UNUSED)
{
	put(1, "one", now_us + 10);
	put(2, "for ever", 0);
	put(3, "late", now_us - 1);
	put(4, "now", now_us);
	assert_null(get(3));
	assert_null(get(4));
	now_us += 9;
	assert_string_equal(get(1), "one");
	now_us += 1;
	assert_null(get(1));
	now_us += INT64_MAX / 2;
	assert_string_equal(get(2), "for ever");
	/* a new value has a time of its own */
	put(1, "one", now_us + 10);
	put(1, "another", now_us + 20);
	now_us += 15;
	assert_string_equal(get(1), "another");
	/* to ask does not prolong */
	now_us += 5;
	assert_null(get(1));
}

static void
test_the_longest_unused_goes_first(void **state UNUSED)
{
	/* nine of them fit, ten do not */
	for (unsigned i = 0; i < 9; i++)
		put_large(i, 7000);
	for (unsigned i = 0; i < 9; i++)
		assert_true(has(i));
	assert_true(has(0));
	put_large(9, 7000);
	/* 0 was used last, so 1 went */
	assert_null(get(1));
	assert_true(has(0));
	/* to put one again is to use it */
	put_large(2, 7000);
	put_large(10, 7000);
	assert_null(get(3));
	assert_true(has(2));
	/* a large one takes the place of several */
	put_large(11, 15 * KIB);
	assert_null(get(4));
	assert_null(get(5));
	assert_true(has(6));
	assert_true(has(11));
}

static size_t
count_found(unsigned from, unsigned to)
{
	size_t count = 0;

	for (unsigned i = from; i < to; i++)
		count += has(i);
	return count;
}

/* the memory of small values is their bookkeeping */
static void
test_ceiling(void **state UNUSED)
{
	size_t found;

	for (unsigned i = 0; i < 5000; i++)
		cache_put(cache, key(i), "x", 1, 0);
	found = count_found(0, 5000);
	assert_in_range(found, 64, 64 * KIB / 64);
	/* the newest ones */
	assert_int_equal(count_found(5000 - (unsigned)found, 5000), found);
}

static void
test_what_is_too_large(void **state UNUSED)
{
	put(1, "one", 0);
	put_large(2, 17 * KIB);
	assert_null(get(2));
	assert_string_equal(get(1), "one");
	/* a value of a quarter, with what it needs besides, is kept */
	put_large(3, 15 * KIB);
	assert_true(has(3));
	/* a cache that keeps nothing */
	cache_free(&cache);
	cache = cache_new(0);
	put(1, "one", 0);
	assert_null(get(1));
	cache_clear(cache);
}

/* memory that is given back has no value in it, whatever the way out */
static void
test_values_are_wiped(void **state UNUSED)
{
	char *volatile probe = calloc(1, 64);

	snprintf(probe, 64, "%s", SECRET);
	free(probe);
	assert_int_equal(freed_secrets, 1); /* so it would be seen */
	freed_secrets = 0;

	put(2, SECRET, 0); /* replaced */
	put(2, "no secret", 0);
	put(3, SECRET, now_us + 1); /* expired */
	now_us += 1;
	assert_null(get(3));
	put(4, SECRET, 0); /* pushed out */
	for (unsigned i = 10; i < 20; i++)
		put_large(i, 10 * KIB);
	assert_null(get(4));
	put(5, SECRET, 0); /* cleared */
	cache_clear(cache);
	put(6, SECRET, 0); /* at the end: teardown looks */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(test_values),
	TEST(test_a_copy_is_the_callers),
	TEST(test_all_of_the_key_counts),
	TEST(test_clear),
	TEST(test_expiry),
	TEST(test_the_longest_unused_goes_first),
	TEST(test_ceiling),
	TEST(test_what_is_too_large),
	TEST(test_values_are_wiped),
};

UNIT_MAIN(tests)
