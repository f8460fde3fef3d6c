/*
 * Registry tokens as dtr-registry sees them: verified once, then known by
 * their digest for a minute. Made by dtr-garant (fcgi/garant/grant.c);
 * claims as in the Docker token specification, beside them "gen" (the
 * generation that revokes early) and "uid" (the account's id).
 */
#ifndef FCGI_REGISTRY_TOKEN_H
#define FCGI_REGISTRY_TOKEN_H

#include "common/base/rand.h"

struct err;
struct pool;

enum token_action {
	TOKEN_PULL = 1,
	TOKEN_PUSH = 2,
	TOKEN_DELETE = 4,
	TOKEN_ALL = 8, /* "*" */
};

/* A verified token: who, and what he may do. In pool memory. */
struct identity {
	const char *name; /* account, "" for an anonymous token */
	bool has_account;
	struct rand_id account_id;
	int64_t expires_s;
	int64_t generation;
	const char *grants; /* packed, read by identity_may() */
	size_t grants_size;
};

/*
 * Verifies a compact token: signature by a known key, issuer and audience,
 * times, generation. E_UNAUTH with a text that says what is wrong; E_BUSY
 * when the keys or settings cannot be read.
 */
int token_verify(
    struct pool *pool, const char *text, struct identity *out, struct err *err);

/* May it do this with "repository" or "registry" name? */
bool identity_may(const struct identity *identity, const char *type,
    const char *name, enum token_action action);

/*
 * Names of this type that it may do this with, one after another: previous
 * is the last one, NULL at the start; returns NULL at the end.
 */
const char *identity_next(const struct identity *identity, const char *type,
    enum token_action action, const char *previous);

/* Frees the keys at the end of the process. */
void token_stop(void);

#endif
