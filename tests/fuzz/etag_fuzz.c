/*
 * Lists of entity tags: an input is a tag, a newline and the list. Tags are
 * found behind exactly the lists that the grammar's own regular expression
 * matches, and what is found is found wherever it stands, but for "*", which
 * stands alone.
 */
#include "common/base/base.h"
#include "tests/fuzz/fuzz.h"

#include <regex.h>

#include "common/base/etag.h"
#include "common/base/pool.h"

#define TAG "((W/)?\"[^\"]*\"|W/|[^\", \t]+)"

static regex_t lists, star;

static void
compile(void)
{
	static bool is_done;

	if (is_done)
		return;
	is_done = true;
	ASSERT(regcomp(&lists,
		   "^[, \t]*(" TAG "[ \t]*(,[, \t]*" TAG "[ \t]*)*)?"
		   "(,[, \t]*)?$",
		   REG_EXTENDED | REG_NOSUB) == 0);
	ASSERT(
	    regcomp(&star, "^[ \t]*\\*[ \t]*$", REG_EXTENDED | REG_NOSUB) == 0);
}

static bool
is_star(const char *list)
{
	return regexec(&star, list, 0, NULL, 0) == 0;
}

static bool
has(const char *list, const char *tag)
{
	bool weak = etag_list_has(list, tag, ETAG_WEAK);
	bool strong = etag_list_has(list, tag, ETAG_STRONG);

	ASSERT(weak || !strong);
	ASSERT(!weak || strstr(list, tag) != NULL || is_star(list));
	return strong;
}

/* a tag that no list of this length names */
static const char *
longer_tag(struct pool *pool, const char *list)
{
	size_t n = strlen(list) + 1;
	char *tag = pool_alloc(pool, n + 1);

	memset(tag, 'x', n);
	return tag;
}

/* a tag in quotes and a weak one, before and behind the list */
static void
check_added(struct pool *pool, const char *list, const char *tag)
{
	bool is_list = regexec(&lists, list, 0, NULL, 0) == 0;
	const char *quoted = pool_printf(pool, "\"%s\"", tag);
	const char *weak = pool_printf(pool, " W/%s\t", quoted);

	ASSERT(has(quoted, tag));
	ASSERT(!has(weak, tag) && etag_list_has(weak, tag, ETAG_WEAK));
	ASSERT(has(pool_printf(pool, "%s,%s", quoted, list), tag));
	ASSERT(
	    has(pool_printf(pool, "%s,%s", weak, list), tag) == has(list, tag));
	ASSERT(has(pool_printf(pool, "%s,%s", list, quoted), tag) ==
	    (is_list || has(list, tag)));
	ASSERT(
	    has(pool_printf(pool, "%s,%s", list, weak), tag) == has(list, tag));
}

static void
check_list(struct pool *pool, const char *list, const char *tag)
{
	const char *other = longer_tag(pool, list);

	if (is_star(list)) {
		ASSERT(has(list, tag) && has(list, other));
		/* only alone */
		ASSERT(!has(pool_printf(pool, "\"x\",%s", list), other));
		ASSERT(!has(pool_printf(pool, "%s,\"x\"", list), other));
		return;
	}
	ASSERT(!has(list, other));
	/* behind an open quote, what is added is part of another tag */
	if (tag[strcspn(tag, "\",")] == '\0')
		check_added(pool, list, tag);
	check_added(pool, list, other);
	/* between quotes it is one tag, and no list */
	if (strchr(list, '"') == NULL)
		ASSERT(has(pool_printf(pool, "\"%s\"", list), tag) ==
		    (strcmp(list, tag) == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pool *pool = pool_new((size_t)64 << 20);
	char *text = pool_memdup(pool, data, n);
	size_t tag = strcspn(text, "\n");

	compile();
	if (text[tag] == '\n') {
		text[tag] = '\0';
		check_list(pool, text + tag + 1, text);
	}
	pool_free(&pool);
	return 0;
}
