/* Indexes of referrers that clients kept: what is taken of them. */
#include "common/base/base.h"
#include "tests/unit/pool_fixture.h"

#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/json/jsw.h"
#include "common/oci/manifest.h"
#include "common/oci/referrer_index.h"

#define DIGEST \
 "sha256:"     \
 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define START "{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST "\",\"size\":7"

static struct oci_referrer *found;

static size_t
parse(const char *type, const char *items)
{
	const char *text = pool_printf(
	    pool, "{\"schemaVersion\":2,\"manifests\":[%s]}", items);

	return oci_referrer_index_parse(pool, type, text, strlen(text), &found);
}

/* written again it is the same */
static void
assert_put(const char *expected)
{
	struct str text;
	struct jsw w;

	str_init(&text, pool, 4096);
	jsw_init(&w, &text);
	jsw_array(&w, NULL);
	oci_referrer_put(&w, &found[0]);
	jsw_end(&w);
	jsw_done(&w);
	assert_string_equal(text.p, pool_printf(pool, "[%s]", expected));
}

static void
test_members(void **state UNUSED)
{
	assert_int_equal(parse(NULL, START "}"), 1);
	assert_string_equal(found[0].media_type, "a/b");
	assert_int_equal(found[0].size, 7);
	assert_null(found[0].artifact_type);
	assert_null(found[0].annotations);
	assert_put(START "}");
	/* an empty type is none */
	assert_int_equal(parse(NULL, START ",\"artifactType\":\"\"}"), 1);
	assert_null(found[0].artifact_type);
	assert_int_equal(
	    parse(NULL,
		START ",\"artifactType\":\"c/d\",\"annotations\":{\"k\":\"v\"},"
		      "\"platform\":{}}"),
	    1);
	assert_string_equal(found[0].artifact_type, "c/d");
	assert_string_equal(found[0].annotations, "{\"k\":\"v\"}");
	assert_put(
	    START ",\"artifactType\":\"c/d\",\"annotations\":{\"k\":\"v\"}}");
	assert_int_equal(
	    parse(NULL, START ",\"artifactType\":null,\"annotations\":null}"),
	    1);
	assert_put(START "}");
}

static void
test_filter(void **state UNUSED)
{
	const char *items = START "}," START ",\"artifactType\":\"c/d\"}," START
				  ",\"artifactType\":\"c/de\"}";

	assert_int_equal(parse(NULL, items), 3);
	assert_int_equal(parse("c/d", items), 1);
	assert_string_equal(found[0].artifact_type, "c/d");
	/* not by the media type of the manifest */
	assert_int_equal(parse("a/b", items), 0);
}

static void
test_no_descriptor(void **state UNUSED)
{
	static const char *const wrong[] = { "null", "1", "[]", "{}",
		"\"" DIGEST "\"", "{\"digest\":\"" DIGEST "\",\"size\":7}",
		"{\"mediaType\":\"a/b\",\"size\":7}",
		"{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST "\"}",
		"{\"mediaType\":\"a/b\",\"digest\":\"sha256:0\",\"size\":7}",
		"{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST "\",\"size\":-1}",
		"{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST
		"\",\"size\":7.0}",
		"{\"mediaType\":{},\"digest\":\"" DIGEST "\",\"size\":7}",
		START ",\"artifactType\":1}", START ",\"annotations\":[]}",
		/* clients read them as a table of texts */
		START ",\"annotations\":{\"k\":1}}",
		START ",\"annotations\":{\"k\":\"v\",\"l\":null}}",
		START ",\"annotations\":{\"k\":{\"l\":\"v\"}}}" };

	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		if (parse(NULL, wrong[i]) != 0)
			fail_msg("%s is taken", wrong[i]);
}

static void
test_long_types(void **state UNUSED)
{
	for (int n = OCI_MEDIA_TYPE_MAX; n <= OCI_MEDIA_TYPE_MAX + 1; n++) {
		size_t taken = n <= OCI_MEDIA_TYPE_MAX ? 1 : 0;

		assert_int_equal(
		    parse(NULL,
			pool_printf(
			    pool, START ",\"artifactType\":\"%0*d\"}", n, 0)),
		    taken);
		assert_int_equal(
		    parse(NULL,
			pool_printf(pool,
			    "{\"mediaType\":\"%0*d\",\"digest\":\"" DIGEST
			    "\",\"size\":7}",
			    n, 0)),
		    taken);
	}
}

/* those beside it are taken */
static void
test_among_others(void **state UNUSED)
{
	assert_int_equal(parse(NULL, "{}," START "},null"), 1);
	assert_put(START "}");
}

static void
test_no_index(void **state UNUSED)
{
	static const char *const wrong[] = { "", "null", "[]", "{}",
		"{\"manifests\":{}}", "{\"manifests\":null}",
		"{\"layers\":[" START "}]}", "{\"manifests\":[" START "},]}" };

	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_int_equal(oci_referrer_index_parse(pool, NULL, wrong[i],
				     strlen(wrong[i]), &found),
		    0);
}

static void
test_too_many(void **state UNUSED)
{
	struct str items;

	str_init(&items, pool, (size_t)1 << 20);
	for (int i = 0; i < OCI_DESCRIPTORS_MAX; i++)
		str_printf(&items, "%s" START "}", i > 0 ? "," : "");
	assert_int_equal(parse(NULL, items.p), OCI_DESCRIPTORS_MAX);
	str_puts(&items, "," START "}");
	assert_int_equal(parse(NULL, items.p), 0);
}

/* what descriptors need is taken, and more would cost too much memory */
static void
test_many_objects(void **state UNUSED)
{
	struct str items;

	str_init(&items, pool, (size_t)1 << 20);
	for (int i = 0; i < OCI_DESCRIPTORS_MAX; i++)
		str_printf(&items,
		    "%s" START ",\"platform\":{},\"annotations\":{}}",
		    i > 0 ? "," : "");
	assert_int_equal(parse(NULL, items.p), OCI_DESCRIPTORS_MAX);
	str_clear(&items);
	str_puts(&items, START ",\"x\":[{}");
	/* beside the document, the descriptor and the one above */
	for (int i = 0; i < 16384 - 3; i++)
		str_puts(&items, ",{}");
	assert_int_equal(parse(NULL, pool_printf(pool, "%s]}", items.p)), 1);
	str_puts(&items, ",{}]}");
	assert_int_equal(parse(NULL, items.p), 0);
}

static const struct CMUnitTest tests[] = {
	POOL_TEST(test_members),
	POOL_TEST(test_filter),
	POOL_TEST(test_no_descriptor),
	POOL_TEST(test_long_types),
	POOL_TEST(test_among_others),
	POOL_TEST(test_no_index),
	POOL_TEST(test_too_many),
	POOL_TEST(test_many_objects),
};

UNIT_MAIN(tests)
