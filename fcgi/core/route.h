/*
 * Route tables. A component lists its routes in routes.def, one line each:
 *
 *	ROUTE(id, METHODS, "pattern", PERMISSION, BODY, handler, "what it is")
 *
 * and expands it into an array of struct route. Every column is needed for
 * it to compile, so no route can lack a permission; permissions are the
 * component's own enumeration, begin at 1, and are passed to its authorize
 * step before the handler runs.
 *
 * A pattern is split at "/". "{x}" matches one segment, "{x*}" one or more,
 * and stands once in a pattern; what follows it is matched from the right,
 * so a repository may be called "a/manifests/b". A pattern that ends in "/"
 * also matches without it; one that does not never matches a target with it.
 * Earlier lines win.
 */
#ifndef FCGI_CORE_ROUTE_H
#define FCGI_CORE_ROUTE_H

#include "fcgi/core/req.h"

/* What the core does about a body before the handler runs. */
enum route_body {
	ROUTE_BODY_NONE = 1, /* none expected; one that comes is not read */
	ROUTE_BODY_READ = 2, /* the handler reads it */
};

typedef int route_handler(struct req *req, struct err *err);

struct route {
	const char *id; /* label in metrics and logs */
	unsigned methods;
	const char *pattern;
	int permission;
	enum route_body body;
	route_handler *handler;
	const char *help;
};

/* Expands a line of routes.def into an item of such an array. */
#define ROUTE(id_, methods_, pattern_, permission_, body_, handler_, help_) \
	{ \
		.id = #id_, .methods = (methods_), .pattern = (pattern_), \
		.permission = (permission_), .body = (body_), \
		.handler = (handler_), .help = (help_) \
	},

/*
 * Finds the route of req->uri and req->method and fills req->route and
 * req->args. E_NOTFOUND if no pattern matches; E_CONFLICT if one does but
 * not its methods, with *allowed_out the union of methods that would. The
 * method 0 is none, so it never matches.
 */
int route_find(struct req *req, const struct route *routes, size_t count,
    unsigned *allowed_out, struct err *err);

/* "GET" and so on; false for any other method. */
bool route_parse_method(const char *name, enum method *out);
/* "other" for 0. */
const char *route_method_name(enum method method);

/* "GET, HEAD" for an Allow header. */
void route_put_methods(struct str *out, unsigned methods);

#endif
