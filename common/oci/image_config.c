#include "common/base/base.h"
#include "common/oci/image_config.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/json/jsr.h"
#include "common/oci/manifest.h"

int
oci_image_config_parse(struct oci_image_config *out, struct pool *pool,
    const char *text, size_t n, struct err *err)
{
	struct jsr root;
	int rc = jsr_parse(pool, text, n, &oci_json_limits, &root, err);

	*out = (struct oci_image_config){ "", "", "" };
	if (rc == 0)
		rc = jsr_str(&root, "os", false, &out->os, err);
	if (rc == 0)
		rc = jsr_str(
		    &root, "architecture", false, &out->architecture, err);
	if (rc == 0)
		rc = jsr_str(&root, "created", false, &out->created, err);
	return rc;
}
