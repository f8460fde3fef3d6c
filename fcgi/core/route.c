#include "common/base/base.h"
#include "fcgi/core/route.h"

#include "common/base/err.h"
#include "common/base/str.h"

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
	return "other";
}

void
route_put_methods(struct str *out, unsigned set)
{
	for (size_t i = 0; i < COUNT_OF(methods); i++)
		if ((set & methods[i].method) != 0)
			str_printf(out, "%s%s", out->len > 0 ? ", " : "",
			    methods[i].name);
}

/* the segments that one {} of a pattern matched */
struct span {
	size_t from;
	size_t count;
};

static size_t
count_parts(const char *pattern)
{
	size_t count = 0;

	for (; *pattern != '\0'; pattern++)
		count += *pattern == '/' && pattern[1] != '\0';
	return count;
}

/* {x*} takes what the other parts leave, so all behind it match from the
 * right */
static bool
match(const struct uri *uri, const char *pattern, struct span *spans,
    size_t *span_count_out)
{
	size_t at = 0, spans_used = 0;

	while (pattern[0] == '/' && pattern[1] != '\0') {
		const char *part = pattern + 1;
		size_t n = strcspn(part, "/"), behind, taken = 1;

		pattern = part + n;
		if (at == uri->segment_count)
			return false;
		if (part[0] != '{') {
			if (strncmp(uri->segments[at], part, n) != 0 ||
			    uri->segments[at][n] != '\0')
				return false;
			at++;
			continue;
		}
		ASSERT(n >= 3 && part[n - 1] == '}');
		if (part[n - 2] == '*') {
			behind = count_parts(pattern);
			if (uri->segment_count - at <= behind)
				return false;
			taken = uri->segment_count - at - behind;
		}
		ASSERT(spans_used < REQ_ARGS_MAX);
		spans[spans_used++] = (struct span){ at, taken };
		at += taken;
	}
	*span_count_out = spans_used;
	/* a slash at the end is part of the address */
	return at == uri->segment_count &&
	    (!uri->trailing_slash || pattern[0] == '/');
}

static const char *
join(const struct req *req, struct span span)
{
	const char *const *segments = &req->uri.segments[span.from];
	size_t size = 0;
	struct str text;

	if (span.count == 1)
		return segments[0];
	for (size_t i = 0; i < span.count; i++)
		size += strlen(segments[i]) + 1;
	str_init(&text, req->pool, size);
	for (size_t i = 0; i < span.count; i++) {
		if (i > 0)
			str_putc(&text, '/');
		str_puts(&text, segments[i]);
	}
	return text.p;
}

int
route_find(struct req *req, const struct route *routes, size_t count,
    unsigned *allowed_out, struct err *err)
{
	struct span spans[REQ_ARGS_MAX];
	size_t span_count;

	*allowed_out = 0;
	for (size_t i = 0; i < count; i++) {
		if (!match(&req->uri, routes[i].pattern, spans, &span_count))
			continue;
		if ((routes[i].methods & req->method) == 0) {
			*allowed_out |= routes[i].methods;
			continue;
		}
		req->route = &routes[i];
		for (size_t k = 0; k < span_count; k++)
			req->args[k] = join(req, spans[k]);
		return 0;
	}
	if (*allowed_out == 0)
		return err_set(err, E_NOTFOUND, "no such address here");
	return err_set(
	    err, E_CONFLICT, "the address does not take this method");
}
