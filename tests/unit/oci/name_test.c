/* Names of repositories, components and tags. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/oci/name.h"

static void
test_names(void **state UNUSED)
{
	static const char *const good[] = { "a", "0", "a/b", "a/b/c/d/e/f",
		"library/alpine", "a.b", "a_b", "a__b", "a-b", "a--b",
		"a-----b", "a.b-c__d_e/f", "1/2", "a0/0a", "9.9" };
	static const char *const bad[] = { "", "/", "a/", "/a", "a//b", "A",
		"a/B", "a.", ".a", "a..b", "_a", "a_", "a___b", "-a", "a-",
		"a._b", "a.-b", "a-.b", "a-_b", "a_-b", "a_.b", "a/.b", "a./b",
		"a b", " a", "a ", "a\n", "a:b", "a@b", "a%2fb", "a\\b",
		"\xc3\xa9", "a/../b", "../a", "a/./b", "a~b", "a+b", "a*",
		"a\x7f", "a/-" };

	for (size_t i = 0; i < COUNT_OF(good); i++)
		if (!oci_name_is_valid(good[i]))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (oci_name_is_valid(bad[i]))
			fail_msg("accepted: %s", bad[i]);
}

static void
test_components(void **state UNUSED)
{
	static const char *const good[] = { "a", "0", "jane", "jane.doe",
		"a__b", "a--b", "x1" };
	static const char *const bad[] = { "", "a/b", "/", "a/", "/a", "Jane",
		"a.", "a___b", "a b" };

	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_true(oci_component_is_valid(good[i]));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(oci_component_is_valid(bad[i]));
}

static void
test_tags(void **state UNUSED)
{
	static const char *const good[] = { "a", "Z", "0", "_", "latest",
		"1.0.0-rc.1", "v1_2", "A..b--C", "_.-", "__" };
	static const char *const bad[] = { "", ".", "-", ".a", "-a", "a b",
		"a/b", "a:b", "a+b", "a@b", "a\n", "\xc3\xa9", "a%41", "a~",
		"sha256:0" };

	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_true(oci_tag_is_valid(good[i]));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(oci_tag_is_valid(bad[i]));
}

/* every single byte at every place of its kind */
static void
test_all_bytes(void **state UNUSED)
{
	for (int c = 1; c < 256; c++) {
		char one[] = { (char)c, '\0' };
		char between[] = { 'a', (char)c, 'b', '\0' };
		bool low = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		bool word = low || (c >= 'A' && c <= 'Z') || c == '_';
		bool joins = c == '.' || c == '_' || c == '-';

		assert_int_equal(oci_name_is_valid(one), low);
		assert_int_equal(oci_component_is_valid(one), low);
		assert_int_equal(oci_tag_is_valid(one), word);
		assert_int_equal(
		    oci_name_is_valid(between), low || joins || c == '/');
		assert_int_equal(oci_component_is_valid(between), low || joins);
		assert_int_equal(oci_tag_is_valid(between), word || joins);
	}
}

static void
test_lengths(void **state UNUSED)
{
	char text[OCI_NAME_MAX + 100];

	for (size_t n = 1; n < sizeof(text); n++) {
		memset(text, 'a', n);
		text[n] = '\0';
		assert_int_equal(oci_name_is_valid(text), n <= OCI_NAME_MAX);
		assert_int_equal(
		    oci_component_is_valid(text), n <= OCI_NAME_MAX);
		assert_int_equal(oci_tag_is_valid(text), n <= OCI_TAG_MAX);
		if (n < 3)
			continue;
		/* a separator does not end within the limit only */
		memset(text + 1, '-', n - 2);
		assert_int_equal(oci_name_is_valid(text), n <= OCI_NAME_MAX);
	}
}

static void
test_attached_tags(void **state UNUSED)
{
#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	static const char *const good[] = { "sha256-" HEX, "sha512-" HEX,
		"sha256-" HEX ".sig", "sha256-" HEX ".att", "sha256-" HEX "." };
	static const char *const bad[] = { "", "sha256", "sha256-", "sha1-" HEX,
		"sha256-" HEX "0", "sha256-" HEX "x", "sha256-" HEX "-sig",
		"SHA256-" HEX, "xsha256-" HEX, "sha256:" HEX,
		"sha256-A123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdef" };

	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_true(oci_tag_is_attached(good[i]));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(oci_tag_is_attached(bad[i]));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_names),
	cmocka_unit_test(test_components),
	cmocka_unit_test(test_tags),
	cmocka_unit_test(test_attached_tags),
	cmocka_unit_test(test_all_bytes),
	cmocka_unit_test(test_lengths),
};

UNIT_MAIN(tests)
