/*
 * Who bears this registry token? For programs that ask dtr-garant instead of
 * knowing the keys themselves (h_identity.c).
 */
#ifndef FCGI_GARANT_BEARER_H
#define FCGI_GARANT_BEARER_H

struct account;
struct err;
struct pool;

/*
 * 1 the account, as it is now; 0 the token is good and nobody's, or opens some
 * repositories alone: who has such a one (without "search" or "*" of
 * registry:catalog) shall not see the names of all that its account may read.
 * E_UNAUTH for one that is malformed, not ours, expired, revoked, or of an
 * account that is gone or may not log in; E_BUSY when that cannot be found out.
 */
int bearer_check(
    struct pool *pool, const char *token, struct account *out, struct err *err);

#endif
