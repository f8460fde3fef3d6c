#include "common/base/base.h"
#include "fcgi/garant/scope.h"

#include "common/base/err.h"
#include "common/base/pool.h"

void
scope_drop(struct scope_list *list, size_t count)
{
	list->count -= count;
	memmove(list->items, list->items + count,
	    list->count * sizeof(*list->items));
}

static unsigned
parse_actions(const char *p, const char *end)
{
	unsigned actions = 0;

	while (p < end) {
		const char *stop = memchr(p, ',', (size_t)(end - p));

		if (stop == NULL)
			stop = end;
		actions |= token_action_parse(p, (size_t)(stop - p));
		p = stop + 1;
	}
	return actions;
}

static void
add(struct scope_list *list, const struct scope *scope)
{
	struct scope joined = *scope;
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct scope *other = &list->items[i];

		if (strcmp(other->type, scope->type) == 0 &&
		    strcmp(other->name, scope->name) == 0)
			joined.actions |= other->actions;
		else
			list->items[kept++] = *other;
	}
	list->count = kept;
	if (list->count == SCOPES_MAX)
		scope_drop(list, 1);
	list->items[list->count++] = joined;
}

static int
parse_one(struct scope_list *list, struct pool *pool, const char *p,
    const char *end, struct err *err)
{
	const char *first = memchr(p, ':', (size_t)(end - p));
	const char *last = memrchr(p, ':', (size_t)(end - p));
	/* the class is no longer used: repository(plugin) is a repository */
	size_t type = strcspn(p, "(:");
	struct scope scope;

	if (first == last || type == 0)
		return err_set(err, E_INVALID,
		    "scope \"%.*s\" is not of the form type:name:actions",
		    (int)(end - p > 80 ? 80 : end - p), p);
	scope.type = pool_memdup(pool, p, type);
	scope.name = pool_memdup(pool, first + 1, (size_t)(last - first - 1));
	scope.actions = parse_actions(last + 1, end);
	add(list, &scope);
	return 0;
}

int
scope_parse(struct scope_list *list, struct pool *pool, const char *text,
    struct err *err)
{
	while (*text != '\0') {
		size_t n = strcspn(text, " ");
		int rc = n == 0 ? 0
				: parse_one(list, pool, text, text + n, err);

		if (rc < 0)
			return rc;
		text += n + (text[n] == ' ');
	}
	return 0;
}
