/* Digests: a text is refused, or is the only one of its digest. */
#include "common/base/base.h"
#include "tests/fuzz/fuzz.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/oci/oci_digest.h"

static void
check_text(const char *text)
{
	char again[OCI_DIGEST_TEXT_SIZE];
	struct oci_digest digest;
	struct err err;
	int rc = oci_digest_parse(&digest, text, &err);

	if (rc == 0) {
		oci_digest_put(again, &digest);
		ASSERT(strcmp(again, text) == 0);
	} else {
		ASSERT(rc == E_INVALID && err.code == E_INVALID);
		ASSERT(strcmp(err.reason, "DIGEST_INVALID") == 0);
		ASSERT(strstr(err.text, "must be") != NULL);
	}
}

static void
check_content(const void *data, size_t n, enum digest_algorithm algorithm)
{
	char text[OCI_DIGEST_TEXT_SIZE];
	struct oci_digest digest, read;
	struct err err;

	oci_digest_of(&digest, algorithm, data, n);
	oci_digest_put(text, &digest);
	ASSERT(oci_digest_parse(&read, text, &err) == 0);
	ASSERT(oci_digest_equal(&read, &digest));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pool *pool = pool_new((size_t)64 << 20);

	check_text(pool_memdup(pool, data, n));
	check_content(data, n, DIGEST_SHA256);
	check_content(data, n, DIGEST_SHA512);
	pool_free(&pool);
	return 0;
}
