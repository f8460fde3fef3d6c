/* Random bytes and ids. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/base/rand.h"
#include "common/base/time.h"

static void
test_bytes(void **state UNUSED)
{
	unsigned char first[32], second[32], guarded[34] = { 0 };

	rand_bytes(first, sizeof(first));
	rand_bytes(second, sizeof(second));
	assert_memory_not_equal(first, second, sizeof(first));
	rand_bytes(guarded + 1, sizeof(guarded) - 2);
	assert_int_equal(guarded[0], 0);
	assert_int_equal(guarded[sizeof(guarded) - 1], 0);
}

static uint64_t
id_ms(const struct rand_id *id)
{
	uint64_t ms = 0;

	for (int i = 0; i < 6; i++)
		ms = ms << 8 | id->bytes[i];
	return ms;
}

static void
test_id_form(void **state UNUSED)
{
	for (int i = 0; i < 1000; i++) {
		uint64_t before = (uint64_t)time_now_us() / 1000;
		struct rand_id id = rand_id_new();
		uint64_t after = (uint64_t)time_now_us() / 1000;

		/* RFC 9562, 5.7: version 7, variant 10 */
		assert_int_equal(id.bytes[6] >> 4, 7);
		assert_int_equal(id.bytes[8] >> 6, 2);
		assert_true(id_ms(&id) >= before && id_ms(&id) <= after);
	}
}

static void
test_ids_differ(void **state UNUSED)
{
	struct rand_id ids[200];

	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		ids[i] = rand_id_new();
		assert_true(rand_id_equal(&ids[i], &ids[i]));
		for (size_t k = 0; k < i; k++)
			assert_false(rand_id_equal(&ids[i], &ids[k]));
	}
}

static void
test_text(void **state UNUSED)
{
	static const struct rand_id known = { { 0x01, 0x23, 0x45, 0x67, 0x89,
	    0xab, 0x7c, 0xde, 0x8f, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab,
	    0xcd } };
	char text[RAND_ID_TEXT_SIZE];
	struct rand_id id;

	rand_id_put(text, &known);
	assert_string_equal(text, "01234567-89ab-7cde-8f01-23456789abcd");
	assert_true(rand_id_parse(&id, text));
	assert_true(rand_id_equal(&id, &known));
	for (int i = 0; i < 100; i++) {
		struct rand_id again;

		id = rand_id_new();
		rand_id_put(text, &id);
		assert_true(rand_id_parse(&again, text));
		assert_true(rand_id_equal(&again, &id));
	}
	/* any version is read */
	assert_true(rand_id_parse(&id, "00000000-0000-0000-0000-000000000000"));
}

static void
test_text_refused(void **state UNUSED)
{
	static const char *const bad[] = { "", "0", "-",
		"01234567-89ab-7cde-8f01-23456789abc",
		"01234567-89ab-7cde-8f01-23456789abcde",
		"01234567-89AB-7cde-8f01-23456789abcd",
		"01234567-89ab-7cde-8f01-23456789abcg",
		"0123456789ab-7cde-8f01-23456789abcd-",
		"01234567-89ab-7cde-8f0123-456789abcd",
		"01234567x89ab-7cde-8f01-23456789abcd",
		"0123456789ab7cde8f0123456789abcd",
		"{1234567-89ab-7cde-8f01-23456789abc}",
		" 1234567-89ab-7cde-8f01-23456789abcd",
		"01234567-89ab-7cde-8f01-23456789abc\n",
		"------------------------------------" };
	struct rand_id id;

	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(rand_id_parse(&id, bad[i]));
}

static void
test_below(void **state UNUSED)
{
	bool seen[3] = { false };

	assert_int_equal(rand_below(1), 0);
	/* that one of three never comes in 1000: 10^-176 */
	for (int i = 0; i < 1000; i++) {
		uint32_t n = rand_below(3);

		assert_in_range(n, 0, 2);
		seen[n] = true;
	}
	assert_true(seen[0] && seen[1] && seen[2]);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_bytes),
	cmocka_unit_test(test_id_form),
	cmocka_unit_test(test_ids_differ),
	cmocka_unit_test(test_text),
	cmocka_unit_test(test_text_refused),
	cmocka_unit_test(test_below),
};

UNIT_MAIN(tests)
