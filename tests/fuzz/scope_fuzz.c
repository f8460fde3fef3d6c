/*
 * Scopes of tokens: what is accepted is exactly what the grammar's own
 * regular expression matches, has no scope twice, and is the same when
 * written down and parsed again.
 */
#include "common/base/base.h"
#include "tests/fuzz/fuzz.h"

#include <regex.h>

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "fcgi/garant/scope.h"

#define TEXT_MAX ((size_t)1 << 20)
/* type, class, name and actions */
#define SCOPE "[^ :(]+(\\([^ :]*)?:[^ ]*:[^ :]*"

static regex_t scopes;

static const struct {
	enum token_action action;
	const char *name;
} actions[] = {
	{ TOKEN_ALL, "*" },
	{ TOKEN_DELETE, "delete" },
	{ TOKEN_PUSH, "push" },
	{ TOKEN_PULL, "pull" },
	{ TOKEN_SEARCH, "search" },
};

static bool
is_same(const struct scope *a, const struct scope *b)
{
	return strcmp(a->type, b->type) == 0 && strcmp(a->name, b->name) == 0;
}

static void
check_list(const struct scope_list *list)
{
	ASSERT(list->count <= SCOPES_MAX);
	for (size_t i = 0; i < list->count; i++) {
		const struct scope *scope = &list->items[i];

		ASSERT(scope->type[0] != '\0');
		ASSERT(scope->type[strcspn(scope->type, " :(")] == '\0');
		ASSERT(strchr(scope->name, ' ') == NULL);
		ASSERT(scope->actions < TOKEN_SEARCH * 2);
		for (size_t j = 0; j < i; j++)
			ASSERT(!is_same(scope, &list->items[j]));
	}
}

static const char *
write_list(struct pool *pool, const struct scope_list *list)
{
	struct str text;

	str_init(&text, pool, TEXT_MAX);
	for (size_t i = 0; i < list->count; i++) {
		const struct scope *scope = &list->items[i];

		str_printf(&text, "%s:%s:", scope->type, scope->name);
		for (size_t j = 0; j < COUNT_OF(actions); j++)
			if ((scope->actions & actions[j].action) != 0)
				str_printf(&text, "%s,", actions[j].name);
		str_putc(&text, ' ');
	}
	ASSERT(!str_is_full(&text));
	return text.p;
}

static void
check_again(struct pool *pool, const struct scope_list *list, const char *text)
{
	struct scope_list *again = pool_alloc(pool, sizeof(*again));
	struct err err;

	ASSERT(scope_parse(again, pool, text, &err) == 0);
	/* joined, a second time adds nothing */
	ASSERT(scope_parse(again, pool, text, &err) == 0);
	ASSERT(again->count == list->count);
	for (size_t i = 0; i < list->count; i++) {
		ASSERT(is_same(&list->items[i], &again->items[i]));
		ASSERT(list->items[i].actions == again->items[i].actions);
	}
}

/* what each word alone asks for is asked for, and nothing else */
static void
check_words(struct pool *pool, const struct scope_list *list, const char *text)
{
	struct scope_list *one = pool_alloc(pool, sizeof(*one));
	unsigned missing[SCOPES_MAX];
	struct err err;

	for (size_t i = 0; i < list->count; i++)
		missing[i] = list->items[i].actions;
	for (text += strspn(text, " "); *text != '\0';
	     text += strspn(text, " ")) {
		size_t n = strcspn(text, " "), i = 0;

		one->count = 0;
		ASSERT(scope_parse(
			   one, pool, pool_memdup(pool, text, n), &err) == 0);
		ASSERT(one->count == 1);
		while (!is_same(&one->items[0], &list->items[i]))
			ASSERT(++i < list->count);
		ASSERT((one->items[0].actions & ~list->items[i].actions) == 0);
		missing[i] &= ~one->items[0].actions;
		text += n;
	}
	for (size_t i = 0; i < list->count; i++)
		ASSERT(missing[i] == 0);
}

static bool
has_only_scopes(const char *text)
{
	static bool is_compiled;

	if (!is_compiled)
		ASSERT(regcomp(&scopes, "^ *(" SCOPE "( +" SCOPE ")*)? *$",
			   REG_EXTENDED | REG_NOSUB) == 0);
	is_compiled = true;
	return regexec(&scopes, text, 0, NULL, 0) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pool *pool;
	struct scope_list *list;
	const char *text;
	struct err err;
	int rc;

	if (n > TEXT_MAX / 16)
		return 0;
	pool = pool_new((size_t)64 << 20);
	list = pool_alloc(pool, sizeof(*list));
	text = pool_memdup(pool, data, n);
	rc = scope_parse(list, pool, text, &err);
	check_list(list);
	ASSERT((rc == 0) == has_only_scopes(text));
	if (rc == 0) {
		/* of more the first are dropped */
		if (list->count < SCOPES_MAX) {
			check_words(pool, list, text);
			check_again(pool, list, text);
		}
		check_again(pool, list, write_list(pool, list));
	} else {
		ASSERT(rc == E_INVALID && err.text[0] != '\0');
	}
	pool_free(&pool);
	return 0;
}
