/* Image configurations: the platform, and nothing else. */
#include "common/base/base.h"
#include "tests/unit/pool_fixture.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/oci/image_config.h"

static struct oci_image_config config;

static int
parse(const char *text)
{
	return oci_image_config_parse(&config, pool, text, strlen(text), &err);
}

static void
test_usual(void **state UNUSED)
{
	assert_int_equal(
	    parse("{\"architecture\":\"arm64\",\"config\":{\"Env\":["
		  "\"PATH=/bin\"],\"Cmd\":[\"sh\"]},"
		  "\"created\":\"2024-01-27T00:30:48.743965523Z\","
		  "\"history\":[{\"created_by\":\"/bin/sh\"}],"
		  "\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\","
		  "\"diff_ids\":[]},\"variant\":\"v8\"}"),
	    0);
	assert_string_equal(config.os, "linux");
	assert_string_equal(config.architecture, "arm64");
	assert_string_equal(config.created, "2024-01-27T00:30:48.743965523Z");
}

static void
test_not_said(void **state UNUSED)
{
	static const char *const texts[] = { "{}",
		"{\"os\":null,\"architecture\":null,\"created\":null}",
		"{\"OS\":\"linux\",\"config\":{\"os\":\"linux\"}}" };

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		memset(&config, 0xff, sizeof(config));
		assert_int_equal(parse(texts[i]), 0);
		assert_string_equal(config.os, "");
		assert_string_equal(config.architecture, "");
		assert_string_equal(config.created, "");
	}
}

static void
test_refused(void **state UNUSED)
{
	static const struct {
		const char *text;
		const char *error;
	} cases[] = {
		{ "", "JSON: value expected at byte 0" },
		{ "[]", "the document must be an object" },
		{ "null", "the document must be an object" },
		{ "{\"os\":1}", "/os must be a string" },
		{ "{\"architecture\":[]}", "/architecture must be a string" },
		{ "{\"created\":0}", "/created must be a string" },
		{ "{\"os\":\"a\",\"os\":\"b\"}",
		    "JSON: key \"os\" twice in the object that ends at byte "
		    "18" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(parse(cases[i].text), E_INVALID);
		assert_string_equal(err.text, cases[i].error);
	}
}

static const struct CMUnitTest tests[] = {
	POOL_TEST(test_usual),
	POOL_TEST(test_not_said),
	POOL_TEST(test_refused),
};

UNIT_MAIN(tests)
