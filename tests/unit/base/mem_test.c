/* Heap memory: zeroed, grown, wiped, never NULL. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/base/mem.h"
#include "tests/unit/aborts.h"

static void
test_zeroed(void **state UNUSED)
{
	static const unsigned char zero[4096];
	unsigned char *p;

	for (int i = 0; i < 100; i++) {
		p = mem_new(sizeof(zero));
		assert_memory_equal(p, zero, sizeof(zero));
		memset(p, 0xff, sizeof(zero));
		mem_free(&p);
		assert_null(p);
		p = mem_array(sizeof(zero) / 8, 8);
		assert_memory_equal(p, zero, sizeof(zero));
		memset(p, 0xff, sizeof(zero));
		mem_free(&p);
	}
	mem_free(&p); /* again, when it is NULL */
}

static void
test_grow(void **state UNUSED)
{
	uint32_t *p = NULL;

	for (uint32_t n = 1; n <= 1000; n++) {
		p = mem_grow(p, n, sizeof(*p));
		p[n - 1] = n;
	}
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(p[i], i + 1);
	mem_free(&p);
}

static void
test_strdup(void **state UNUSED)
{
	static const char *const texts[] = { "", "a", "hello" };

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		char *copy = mem_strdup(texts[i]);

		assert_string_equal(copy, texts[i]);
		assert_ptr_not_equal(copy, texts[i]);
		mem_free(&copy);
	}
}

/* not known at compile time: no warning about it */
static volatile size_t huge = SIZE_MAX / 4;

static void
new_huge(void)
{
	void *p = mem_new(huge);

	mem_free(&p);
}

static void
array_overflows(void)
{
	void *p = mem_array(huge, 8);

	mem_free(&p);
}

static void
grow_overflows(void)
{
	void *p = mem_grow(NULL, huge, 8);

	mem_free(&p);
}

static void
test_out_of_memory(void **state UNUSED)
{
	assert_true(aborts(new_huge));
	assert_true(aborts(array_overflows));
	assert_true(aborts(grow_overflows));
}

static void
test_wipe(void **state UNUSED)
{
	static const char zero[16];
	char secret[16] = "fifteen letters";

	mem_wipe(secret, 0);
	assert_string_equal(secret, "fifteen letters");
	mem_wipe(NULL, 0);
	mem_wipe(secret, sizeof(secret));
	assert_memory_equal(secret, zero, sizeof(zero));
}

static void
test_equal_secret(void **state UNUSED)
{
	unsigned char a[40], b[40];

	memset(a, 7, sizeof(a));
	memset(b, 7, sizeof(b));
	assert_true(mem_equal_secret(a, b, sizeof(a)));
	assert_true(mem_equal_secret(a, b, 0));
	for (size_t i = 0; i < sizeof(a); i++) {
		for (int bit = 0; bit < 8; bit++) {
			b[i] = (unsigned char)(7 ^ 1 << bit);
			assert_false(mem_equal_secret(a, b, sizeof(a)));
			/* what is behind n does not count */
			assert_true(mem_equal_secret(a, b, i));
		}
		b[i] = 7;
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_zeroed),
	cmocka_unit_test(test_grow),
	cmocka_unit_test(test_strdup),
	cmocka_unit_test(test_out_of_memory),
	cmocka_unit_test(test_wipe),
	cmocka_unit_test(test_equal_secret),
};

UNIT_MAIN(tests)
