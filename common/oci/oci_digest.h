/* Digests in text form, "sha256:<64 hex>" or "sha512:<128 hex>". Pure. */
#ifndef COMMON_OCI_OCI_DIGEST_H
#define COMMON_OCI_OCI_DIGEST_H

#include "common/crypt/digest.h"

struct err;

#define OCI_DIGEST_TEXT_SIZE (7 + 2 * DIGEST_SIZE_MAX + 1)

struct oci_digest {
	enum digest_algorithm algorithm;
	unsigned char bytes[DIGEST_SIZE_MAX]; /* the rest is zero */
};

/*
 * E_INVALID, reason "DIGEST_INVALID", for any other text: unknown algorithm,
 * wrong length, upper case.
 */
int oci_digest_parse(
    struct oci_digest *out, const char *text, struct err *err);
void oci_digest_put(
    char text[OCI_DIGEST_TEXT_SIZE], const struct oci_digest *digest);
bool oci_digest_equal(
    const struct oci_digest *a, const struct oci_digest *b);
/* The digest of n bytes. */
void oci_digest_of(struct oci_digest *out, enum digest_algorithm algorithm,
    const void *p, size_t n);

#endif
