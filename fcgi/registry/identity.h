/*
 * Who bears a verified token, and what he may do. The grants are packed, so
 * that all of it can be kept as bytes and looked through without a parser.
 */
#ifndef FCGI_REGISTRY_IDENTITY_H
#define FCGI_REGISTRY_IDENTITY_H

#include "common/model/registry_token.h"

struct err;
struct pool;

/* In pool memory. */
struct identity {
	const char *name; /* account, "" for an anonymous token */
	bool has_account;
	struct rand_id account_id;
	int64_t expires_s;
	int64_t generation;
	const char *grants; /* packed, read by identity_may() */
	size_t grants_size;
};

/* What a token says, which is verified already; E_UNAUTH if it says nonsense
 * about rights. */
int identity_from_token(struct identity *out, struct pool *pool,
    const struct registry_token *token, struct err *err);

/* May it do this with "repository" or "registry" name? */
bool identity_may(const struct identity *identity, const char *type,
    const char *name, enum token_action action);

/*
 * Names of this type that it may do this with, one after another: previous
 * is the last one, NULL at the start; returns NULL at the end.
 */
const char *identity_next(const struct identity *identity, const char *type,
    enum token_action action, const char *previous);

#endif
