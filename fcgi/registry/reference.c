#include "common/base/base.h"
#include "fcgi/registry/reference.h"

#include "common/base/err.h"
#include "common/oci/name.h"
#include "fcgi/registry/reply.h"

int
reference_check_tag(const char *text, struct err *err)
{
	if (oci_tag_is_valid(text))
		return 0;
	err_set(err, E_INVALID,
	    "tag \"%.140s\" is not valid: 1 to %d letters, digits, _ . -, not "
	    "beginning with . or -",
	    text, OCI_TAG_MAX);
	return err_reason(err, "TAG_INVALID");
}

int
reference_parse(struct reference *out, const char *text, struct err *err)
{
	out->tag = NULL;
	if (strchr(text, ':') != NULL)
		return reply_parse_digest(&out->digest, text, err);
	out->tag = text;
	return reference_check_tag(text, err);
}
