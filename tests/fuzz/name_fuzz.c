/*
 * Names of repositories and tags: what is accepted is exactly what the
 * grammar's own regular expressions match within the lengths, and can stand
 * in an address.
 */
#include "common/base/base.h"
#include "tests/fuzz/fuzz.h"

#include <regex.h>

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/base/uri.h"
#include "common/oci/name.h"

#define COMPONENT "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*"

static regex_t component, name, tag;

static void
compile(void)
{
	static bool is_done;

	if (is_done)
		return;
	is_done = true;
	ASSERT(regcomp(&component, "^" COMPONENT "$",
		   REG_EXTENDED | REG_NOSUB) == 0);
	ASSERT(regcomp(&name, "^" COMPONENT "(/" COMPONENT ")*$",
		   REG_EXTENDED | REG_NOSUB) == 0);
	ASSERT(regcomp(&tag, "^[A-Za-z0-9_][A-Za-z0-9._-]*$",
		   REG_EXTENDED | REG_NOSUB) == 0);
}

static bool
matches(const regex_t *regex, const char *text, size_t max)
{
	return strlen(text) <= max && regexec(regex, text, 0, NULL, 0) == 0;
}

/* as the segments of an address, where there may be only so many */
static void
check_address(struct pool *pool, const char *text)
{
	struct str joined;
	struct uri uri;
	struct err err;

	if (uri_parse(&uri, pool, pool_printf(pool, "/v2/%s/tags/list", text),
		&err) < 0) {
		ASSERT(strstr(err.text, "segments") != NULL);
		return;
	}
	str_init(&joined, pool, OCI_NAME_MAX);
	for (size_t i = 1; i + 2 < uri.segment_count; i++) {
		if (i > 1)
			str_putc(&joined, '/');
		str_puts(&joined, uri.segments[i]);
	}
	ASSERT(strcmp(joined.p, text) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pool *pool = pool_new((size_t)64 << 20);
	const char *text = pool_memdup(pool, data, n);

	compile();
	ASSERT(oci_name_is_valid(text) == matches(&name, text, OCI_NAME_MAX));
	ASSERT(oci_component_is_valid(text) ==
	    matches(&component, text, OCI_NAME_MAX));
	ASSERT(oci_tag_is_valid(text) == matches(&tag, text, OCI_TAG_MAX));
	if (oci_name_is_valid(text)) {
		check_address(pool, text);
		ASSERT(strcmp(uri_encode(pool, text), text) == 0 ||
		    strchr(text, '/') != NULL);
	}
	pool_free(&pool);
	return 0;
}
