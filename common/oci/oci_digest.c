#include "common/base/base.h"
#include "common/oci/oci_digest.h"

#include "common/base/enc.h"
#include "common/base/err.h"

static const struct {
	const char *prefix;
	enum digest_algorithm algorithm;
} algorithms[] = {
	{ "sha256:", DIGEST_SHA256 },
	{ "sha512:", DIGEST_SHA512 },
};

int
oci_digest_parse(struct oci_digest *out, const char *text, struct err *err)
{
	*out = (struct oci_digest){ .algorithm = DIGEST_SHA256 };
	for (size_t i = 0; i < COUNT_OF(algorithms); i++) {
		size_t n = strlen(algorithms[i].prefix);
		size_t size = digest_size(algorithms[i].algorithm);

		if (strncmp(text, algorithms[i].prefix, n) != 0)
			continue;
		out->algorithm = algorithms[i].algorithm;
		if (strlen(text + n) == 2 * size &&
		    enc_parse_hex(out->bytes, size, text + n))
			return 0;
	}
	err_set(err, E_INVALID,
	    "digest \"%.150s\" is not valid: it must be sha256: and 64 or "
	    "sha512: and 128 lower-case hexadecimal digits",
	    text);
	return err_reason(err, "DIGEST_INVALID");
}

void
oci_digest_put(
    char text[OCI_DIGEST_TEXT_SIZE], const struct oci_digest *digest)
{
	const char *prefix = digest->algorithm == DIGEST_SHA256 ? "sha256:"
								: "sha512:";

	memcpy(text, prefix, 7);
	enc_put_hex(text + 7, digest->bytes, digest_size(digest->algorithm));
}

bool
oci_digest_equal(const struct oci_digest *a, const struct oci_digest *b)
{
	return a->algorithm == b->algorithm &&
	    memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

void
oci_digest_of(struct oci_digest *out, enum digest_algorithm algorithm,
    const void *p, size_t n)
{
	*out = (struct oci_digest){ .algorithm = algorithm };
	digest_of(algorithm, p, n, out->bytes);
}
