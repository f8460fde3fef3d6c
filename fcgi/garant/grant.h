/*
 * What of the scopes asked for an account really gets, and the token that
 * says so. Too few rights are never an error: the rest is granted.
 */
#ifndef FCGI_GARANT_GRANT_H
#define FCGI_GARANT_GRANT_H

#include "common/model/access_token.h"
#include "fcgi/garant/scope.h"

struct account;
struct err;
struct pool;

struct grant {
	const char *token;
	const char *scope; /* what was granted, as text */
	int64_t issued_us;
	int64_t life_s;
};

/* Who asks. */
struct grant_asker {
	const struct account *account; /* NULL: nobody */
	/* what he logged in by, if not by his password (NULL) */
	const char *secret;
	enum access_token_kind secret_kind;
};

/*
 * Cuts the scopes to what he may do and signs a token. It has at most 8 kB: of
 * more scopes than fit into it the first are dropped. E_UNAUTH when the account
 * was changed, or what he logged in by revoked, since that was looked at.
 */
int grant_make(struct pool *pool, const struct grant_asker *asker,
    struct scope_list *scopes, struct grant *out, struct err *err);

#endif
