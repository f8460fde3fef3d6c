/*
 * Registry tokens, as dtr-garant makes them and all programs check them (the
 * Docker token specification). Beside the usual claims there are "gen", the
 * generation that revokes early, and "uid", the account's id.
 */
#ifndef COMMON_MODEL_REGISTRY_TOKEN_H
#define COMMON_MODEL_REGISTRY_TOKEN_H

#include "common/base/rand.h"
#include "common/json/jsr.h"
#include "common/model/token_action.h"

struct db;
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
	int64_t expires_s; /* both by the year 9999 */
	int64_t not_before_s;
	int64_t generation;
	struct jsr claims; /* the document, for what else is in it */
};

struct registry_token_grant {
	const char *type; /* "repository", "registry" */
	const char *name;
	unsigned actions; /* of enum token_action; others are dropped */
};

/* Grant i of a token: 1 it is there, 0 behind the last one, E_UNAUTH for
 * malformed ones. */
int registry_token_grant(const struct registry_token *token, size_t i,
    struct registry_token_grant *out, struct err *err);

/* What a token has to be. */
struct registry_token_wanted {
	const char *issuer;
	const char *service;
	/* 1 signed by a key that is valid now, 0 not, < 0 could not find out */
	int (*is_signed)(
	    struct pool *pool, const struct jws *jws, struct err *err);
};

/*
 * Reads a compact token and verifies all of it: signature, issuer, audience,
 * times, generation. E_UNAUTH with a text that says what is wrong; E_BUSY
 * when the keys or settings cannot be read.
 */
int registry_token_verify(struct registry_token *out, struct db *db,
    struct pool *pool, const char *text,
    const struct registry_token_wanted *wanted, struct err *err);

/*
 * The part of it that changes while a verified token is kept: has it expired,
 * or was it revoked? E_UNAUTH if so.
 */
int registry_token_check_now(
    struct db *db, int64_t expires_s, int64_t generation, struct err *err);

/* Only reads the claims; E_UNAUTH if one is missing or malformed. */
int registry_token_parse(struct registry_token *out, struct pool *pool,
    const struct jws *jws, struct err *err);

#endif
