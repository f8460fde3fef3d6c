/*
 * The public keys that verify tokens, read from the database when a token
 * names one that is not known (at most once a second) and looked at again
 * from time to time, so that a retired key stops to verify.
 */
#ifndef FCGI_REGISTRY_TOKEN_KEYS_H
#define FCGI_REGISTRY_TOKEN_KEYS_H

struct err;
struct jws;
struct pool;

/* 1 signed by a key that is valid now, 0 not, < 0 could not find out. */
int token_keys_verify(
    struct pool *pool, const struct jws *jws, struct err *err);

/* Frees them at the end of the process. */
void token_keys_stop(void);

#endif
