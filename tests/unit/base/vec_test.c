/* Growing arrays: order, copies, the ceiling. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/base/vec.h"

struct item {
	size_t number;
	char name[3];
};

static void
test_push(void **state UNUSED)
{
	struct pool *pool = pool_new((size_t)1 << 20);
	VEC(struct item) vec = VEC_INIT(1000);

	assert_int_equal(vec.count, 0);
	for (size_t i = 0; i < 1000; i++) {
		struct item item = { .number = i, .name = "ab" };

		assert_true(VEC_PUSH(&vec, pool, item));
		assert_int_equal(vec.count, i + 1);
		item.number = 0;
	}
	for (size_t i = 0; i < vec.count; i++) {
		assert_int_equal(vec.items[i].number, i);
		assert_string_equal(vec.items[i].name, "ab");
	}
	pool_free(&pool);
}

static void
test_ceiling(void **state UNUSED)
{
	static const size_t maxima[] = { 0, 1, 7, 8, 9, 100 };
	struct pool *pool = pool_new((size_t)1 << 20);

	for (size_t i = 0; i < COUNT_OF(maxima); i++) {
		VEC(int) vec = VEC_INIT(maxima[i]);
		int pushed = 0;

		while (VEC_PUSH(&vec, pool, pushed))
			pushed++;
		assert_int_equal(pushed, maxima[i]);
		assert_int_equal(vec.count, maxima[i]);
		/* refused again, and nothing was changed */
		assert_false(VEC_PUSH(&vec, pool, -1));
		for (int k = 0; k < pushed; k++)
			assert_int_equal(vec.items[k], k);
	}
	pool_free(&pool);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_push),
	cmocka_unit_test(test_ceiling),
};

UNIT_MAIN(tests)
