/*
 * Registry tokens as dtr-registry sees them: verified once, then known by
 * their digest for a minute. Made by dtr-garant (fcgi/garant/grant.c);
 * claims as in the Docker token specification, beside them "gen" (the
 * generation that revokes early) and "uid" (the account's id).
 */
#ifndef FCGI_REGISTRY_TOKEN_H
#define FCGI_REGISTRY_TOKEN_H

#include "fcgi/registry/identity.h"

/*
 * Verifies a compact token: signature by a known key, issuer and audience,
 * times, generation. E_UNAUTH with a text that says what is wrong; E_BUSY
 * when the keys or settings cannot be read.
 */
int token_verify(
    struct pool *pool, const char *text, struct identity *out, struct err *err);

#endif
