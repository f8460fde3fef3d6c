/*
 * Scopes that a client asks for: "type(class):name:action,action", several
 * separated by spaces (Docker token scope documentation). Pure.
 */
#ifndef FCGI_GARANT_SCOPE_H
#define FCGI_GARANT_SCOPE_H

#include "common/model/token_action.h"

struct err;
struct pool;

#define SCOPES_MAX 64

struct scope {
	const char *type; /* "repository", "registry" */
	const char *name;
	unsigned actions; /* of enum token_action; others are dropped */
};

struct scope_list {
	struct scope items[SCOPES_MAX];
	size_t count;
};

/*
 * Adds the scopes in text; the same type and name are joined, where the last of
 * them stands. Of more than SCOPES_MAX the first are dropped: clients that
 * gather scopes for as long as they run (regclient) mostly name the one they
 * need last. E_INVALID for text without a type or two colons. The name may hold
 * a colon itself (a host with port).
 */
int scope_parse(struct scope_list *list, struct pool *pool, const char *text,
    struct err *err);

/* Drops the first ones; count is at most that of the list. */
void scope_drop(struct scope_list *list, size_t count);

#endif
