#include "common/base/base.h"
#include "common/oci/name.h"

static bool
is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* length of a separator at p: "." "_" "__" or any number of "-"; 0: none */
static size_t
separator(const char *p)
{
	if (*p == '.')
		return 1;
	if (*p == '_')
		return p[1] == '_' ? 2 : 1;
	return strspn(p, "-");
}

/* the end of one component, or NULL */
static const char *
component(const char *p)
{
	if (!is_alphanumeric(*p))
		return NULL;
	for (;;) {
		size_t n;

		while (is_alphanumeric(*p))
			p++;
		n = separator(p);
		if (n == 0)
			return p;
		p += n;
		if (!is_alphanumeric(*p))
			return NULL;
	}
}

bool
oci_name_is_valid(const char *name)
{
	if (strnlen(name, OCI_NAME_MAX + 1) > OCI_NAME_MAX)
		return false;
	for (;;) {
		name = component(name);
		if (name == NULL)
			return false;
		if (*name == '\0')
			return true;
		if (*name++ != '/')
			return false;
	}
}

bool
oci_component_is_valid(const char *name)
{
	return strchr(name, '/') == NULL && oci_name_is_valid(name);
}

bool
oci_tag_is_valid(const char *tag)
{
	static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789_";
	size_t n = strnlen(tag, OCI_TAG_MAX + 1);

	return n >= 1 && n <= OCI_TAG_MAX && strchr(first, tag[0]) != NULL &&
	    strspn(tag, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"abcdefghijklmnopqrstuvwxyz0123456789_.-") == n;
}

bool
oci_tag_is_attached(const char *tag)
{
	static const size_t start = sizeof("sha256-") - 1;
	static const size_t digits = OCI_ATTACHED_DIGITS;
	const char *hex = tag + start;

	if (strncmp(tag, "sha256-", start) != 0 &&
	    strncmp(tag, "sha512-", start) != 0)
		return false;
	return strspn(hex, "0123456789abcdef") == digits &&
	    (hex[digits] == '\0' || hex[digits] == '.');
}
