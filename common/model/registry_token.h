/*
 * Registry tokens, as dtr-garant makes them and all programs check them (the
 * Docker token specification): what a token says, once its signature was
 * verified. Beside the usual claims there are "gen", the generation that
 * revokes early, and "uid", the account's id.
 */
#ifndef COMMON_MODEL_REGISTRY_TOKEN_H
#define COMMON_MODEL_REGISTRY_TOKEN_H

#include "common/base/rand.h"
#include "common/json/jsr.h"

struct err;
struct jws;
struct pool;

/* clocks of two nodes may differ by this much */
#define REGISTRY_TOKEN_LEEWAY_S 10

struct registry_token {
	const char *issuer;
	const char *audience;
	const char *name; /* of the account, "" for nobody's */
	bool has_account;
	struct rand_id account_id;
	int64_t expires_s;
	int64_t not_before_s;
	int64_t generation;
	struct jsr claims; /* the document, for what else is in it */
};

/* Reads the claims; E_UNAUTH if one is missing or malformed. */
int registry_token_parse(struct registry_token *out, struct pool *pool,
    const struct jws *jws, struct err *err);

/* Is it made by this issuer for this service? E_UNAUTH if not. */
int registry_token_check_origin(const struct registry_token *token,
    const char *issuer, const char *service, struct err *err);

/* Is it good now? E_UNAUTH if not. What changes while a token is kept. */
int registry_token_check_time(int64_t expires_s, int64_t token_generation,
    int64_t generation, struct err *err);

#endif
