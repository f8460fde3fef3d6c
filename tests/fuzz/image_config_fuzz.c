/* Image configurations: what is accepted says what the document says. */
#include "common/base/base.h"
#include "tests/fuzz/fuzz.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/json/jscheck.h"
#include "common/json/jsr.h"
#include "common/oci/image_config.h"
#include "common/oci/manifest.h"

static void
check_member(const struct jsr *root, const char *name, const char *found)
{
	const char *text = "";
	struct err err;

	ASSERT(jsr_str(root, name, false, &text, &err) == 0);
	ASSERT(strcmp(text, found) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *text = (const char *)data;
	struct pool *pool = pool_new((size_t)1 << 30);
	struct oci_image_config config;
	struct err err;
	struct jsr root;
	int rc = oci_image_config_parse(&config, pool, text, n, &err);

	if (rc == 0) {
		ASSERT(jsr_parse(pool, text, n, &oci_json_limits, &root, &err) == 0);
		ASSERT(jsr_type(&root) == JSR_OBJECT);
		check_member(&root, "os", config.os);
		check_member(&root, "architecture", config.architecture);
		check_member(&root, "created", config.created);
	} else {
		ASSERT(rc == E_INVALID || (rc == E_TOOBIG && n > oci_json_limits.bytes));
		ASSERT(err.text[0] != '\0');
	}
	pool_free(&pool);
	return 0;
}
