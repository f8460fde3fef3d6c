#include "common/base/base.h"
#include "fcgi/core/range.h"

#include <strings.h>

#include "common/base/num.h"

/* digits; a number that is too large counts as the largest one */
static bool
parse_number(const char *p, size_t n, uint64_t *out)
{
	if (n == 0 || strspn(p, "0123456789") < n)
		return false;
	while (n > 1 && *p == '0') {
		p++;
		n--;
	}
	if (!num_parse_u64(p, n, UINT64_MAX, out))
		*out = UINT64_MAX;
	return true;
}

enum range_result
range_parse(struct range *out, const char *header, uint64_t size)
{
	const char *dash;
	size_t before, behind;
	uint64_t first = 0, last = UINT64_MAX;

	if (header == NULL || strncasecmp(header, "bytes=", 6) != 0 ||
	    strchr(header, ',') != NULL)
		return RANGE_NONE;
	header += 6;
	dash = strchr(header, '-');
	if (dash == NULL)
		return RANGE_NONE;
	before = (size_t)(dash - header);
	behind = strlen(dash + 1);
	if ((before == 0 && behind == 0) ||
	    (before > 0 && !parse_number(header, before, &first)) ||
	    (behind > 0 && !parse_number(dash + 1, behind, &last)))
		return RANGE_NONE;
	if (before == 0) { /* the last so many bytes */
		first = last < size ? size - last : 0;
		if (last == 0)
			return RANGE_UNSATISFIABLE;
		last = UINT64_MAX;
	}
	if (first >= size || last < first)
		return RANGE_UNSATISFIABLE;
	out->first = first;
	out->last = last < size ? last : size - 1;
	return RANGE_ONE;
}

bool
range_parse_content(struct range *out, const char *header)
{
	const char *dash, *total;
	size_t behind;
	uint64_t size = UINT64_MAX;

	if (strncasecmp(header, "bytes ", 6) == 0)
		header += 6;
	dash = strchr(header, '-');
	if (dash == NULL)
		return false;
	behind = strcspn(dash + 1, "/");
	total = dash + 1 + behind;
	if (*total == '/' && strcmp(total, "/*") != 0 &&
	    !num_parse_u64(total + 1, strlen(total + 1), INT64_MAX, &size))
		return false;
	return num_parse_u64(
		   header, (size_t)(dash - header), INT64_MAX, &out->first) &&
	    num_parse_u64(dash + 1, behind, INT64_MAX, &out->last) &&
	    out->first <= out->last && out->last < size;
}
