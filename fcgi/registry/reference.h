/* The last part of a manifest's address: a tag or a digest. */
#ifndef FCGI_REGISTRY_REFERENCE_H
#define FCGI_REGISTRY_REFERENCE_H

#include "common/oci/oci_digest.h"

struct err;

/* a digest has a colon, a tag cannot */
struct reference {
	const char *tag; /* NULL: a digest */
	struct oci_digest digest;
};

/* E_INVALID, reason DIGEST_INVALID or TAG_INVALID. text is kept. */
int reference_parse(
    struct reference *out, const char *text, struct err *err);

/* E_INVALID, reason TAG_INVALID, unless it may be a tag's name. */
int reference_check_tag(const char *text, struct err *err);

#endif
