#include "common/base/base.h"
#include "common/base/etag.h"

/* one tag of a list, and what follows it */
struct item {
	const char *tag;
	size_t n;
	bool weak;
	const char *rest; /* NULL: the list is malformed */
};

static struct item
parse_item(const char *p)
{
	struct item item = { .weak = strncmp(p, "W/", 2) == 0 };
	bool quoted;

	p += item.weak ? 2 : 0;
	quoted = *p == '"';
	item.tag = p + (quoted ? 1 : 0);
	item.n = strcspn(item.tag, quoted ? "\"" : "\", \t");
	item.rest = item.tag + item.n;
	if (quoted)
		item.rest += *item.rest == '"' ? 1 : 0;
	item.rest += strspn(item.rest, " \t");
	if ((quoted && item.tag[item.n] != '"') ||
	    (*item.rest != ',' && *item.rest != '\0'))
		item.rest = NULL;
	return item;
}

bool
etag_list_has(
    const char *list, const char *tag, enum etag_comparison comparison)
{
	const char *p = list + strspn(list, " \t");

	if (*p == '*' && p[1 + strspn(p + 1, " \t")] == '\0')
		return true;
	for (;;) {
		struct item item;

		p += strspn(p, ", \t");
		if (*p == '\0')
			return false;
		item = parse_item(p);
		if (item.rest == NULL)
			return false;
		if (item.n == strlen(tag) &&
		    memcmp(item.tag, tag, item.n) == 0 &&
		    (comparison == ETAG_WEAK || !item.weak))
			return true;
		p = item.rest;
	}
}
