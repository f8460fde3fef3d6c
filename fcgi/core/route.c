#include "common/base/base.h"
#include "fcgi/core/route.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/str.h"

#define PATTERN_PARTS_MAX 12

static const struct {
	enum method method;
	const char *name;
} methods[] = {
	{ METHOD_GET, "GET" },
	{ METHOD_HEAD, "HEAD" },
	{ METHOD_POST, "POST" },
	{ METHOD_PUT, "PUT" },
	{ METHOD_PATCH, "PATCH" },
	{ METHOD_DELETE, "DELETE" },
};

bool
route_parse_method(const char *name, enum method *out)
{
	for (size_t i = 0; i < COUNT_OF(methods); i++) {
		if (strcmp(methods[i].name, name) == 0) {
			*out = methods[i].method;
			return true;
		}
	}
	return false;
}

const char *
route_method_name(enum method method)
{
	for (size_t i = 0; i < COUNT_OF(methods); i++)
		if (methods[i].method == method)
			return methods[i].name;
	return "?";
}

void
route_put_methods(struct str *out, unsigned set)
{
	for (size_t i = 0; i < COUNT_OF(methods); i++)
		if ((set & methods[i].method) != 0)
			str_printf(out, "%s%s", out->len > 0 ? ", " : "",
			    methods[i].name);
}

struct part {
	const char *p;
	size_t n;
	bool is_many; /* {x*} */
	bool is_one;  /* {x} */
};

static size_t
split(const char *pattern, struct part parts[PATTERN_PARTS_MAX])
{
	size_t count = 0;

	while (*pattern == '/') {
		struct part part = { .p = ++pattern };

		part.n = strcspn(pattern, "/");
		pattern += part.n;
		if (part.n == 0)
			break; /* the slash at the end */
		part.is_many = part.n > 3 && part.p[0] == '{' &&
		    part.p[part.n - 2] == '*';
		part.is_one = part.p[0] == '{' && !part.is_many;
		ASSERT(count < PATTERN_PARTS_MAX);
		parts[count++] = part;
	}
	return count;
}

static const char *
join(struct req *req, size_t from, size_t count)
{
	struct str text;

	str_init(&text, req->pool, 64 << 10);
	for (size_t i = from; i < from + count; i++) {
		if (i > from)
			str_putc(&text, '/');
		str_puts(&text, req->uri.segments[i]);
	}
	return text.p;
}

/* {x*} takes what the other parts leave, so all behind it match from the
 * right */
static bool
match(struct req *req, const char *pattern)
{
	struct part parts[PATTERN_PARTS_MAX];
	size_t part_count = split(pattern, parts);
	size_t args = 0, at = 0;

	for (size_t i = 0; i < part_count; i++) {
		size_t left = req->uri.segment_count - at;
		size_t behind = part_count - i - 1;
		const char *segment;

		if (left < behind + 1)
			return false;
		segment = req->uri.segments[at];
		if (parts[i].is_many) {
			req->args[args++] = join(req, at, left - behind);
			at += left - behind;
			continue;
		}
		if (parts[i].is_one)
			req->args[args++] = segment;
		else if (strlen(segment) != parts[i].n ||
		    memcmp(segment, parts[i].p, parts[i].n) != 0)
			return false;
		at++;
	}
	return at == req->uri.segment_count;
}

int
route_find(struct req *req, const struct route *routes, size_t count,
    unsigned *allowed_out, struct err *err)
{
	*allowed_out = 0;
	for (size_t i = 0; i < count; i++) {
		bool fits = (routes[i].methods & req->method) != 0;

		/* joining a name costs memory: look at the method first */
		if (!fits && (*allowed_out & routes[i].methods) != 0)
			continue;
		if (!match(req, routes[i].pattern))
			continue;
		if (fits) {
			req->route = &routes[i];
			return 0;
		}
		*allowed_out |= routes[i].methods;
	}
	if (*allowed_out == 0)
		return err_set(err, E_NOTFOUND, "no such address here");
	return err_set(
	    err, E_CONFLICT, "the address does not take this method");
}
