#include "common/base/base.h"
#include "fcgi/registry/identity.h"

#include "common/base/err.h"
#include "common/base/str.h"
#include "common/crypt/jws.h"
#include "common/json/jsr.h"
#include "common/model/registry_token.h"

#define GRANTS_MAX 256

static unsigned
action_of(const char *name)
{
	if (strcmp(name, "pull") == 0)
		return TOKEN_PULL;
	if (strcmp(name, "push") == 0)
		return TOKEN_PUSH;
	if (strcmp(name, "delete") == 0)
		return TOKEN_DELETE;
	if (strcmp(name, "*") == 0)
		return TOKEN_ALL;
	return 0;
}

/* one grant is "type NUL name NUL" and a byte of action bits */
static int
pack_grant(struct str *out, const struct jsr *grant, struct err *err)
{
	const char *type, *name;
	struct jsr actions = { .node = NULL };
	unsigned bits = 0;
	int rc = jsr_str(grant, "type", true, &type, err);

	if (rc == 0)
		rc = jsr_str(grant, "name", true, &name, err);
	if (rc == 0)
		rc = jsr_array(grant, "actions", true, 16, &actions, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < jsr_count(&actions); i++) {
		struct jsr item = jsr_item(&actions, i);
		const char *action;

		rc = jsr_as_str(&item, &action, err);
		if (rc < 0)
			return rc;
		bits |= action_of(action);
	}
	str_add(out, type, strlen(type) + 1);
	str_add(out, name, strlen(name) + 1);
	str_putc(out, (char)bits);
	return 0;
}

static int
pack_grants(struct str *out, const struct jsr *claims, struct err *err)
{
	struct jsr access = { .node = NULL };
	int rc = jsr_array(claims, "access", true, GRANTS_MAX, &access, err);

	for (size_t i = 0; rc == 0 && i < jsr_count(&access); i++) {
		struct jsr grant = jsr_item(&access, i);

		rc = jsr_as_object(&grant, err);
		if (rc == 0)
			rc = pack_grant(out, &grant, err);
	}
	return rc;
}

int
identity_from_token(struct identity *out, struct pool *pool,
    const struct registry_token *token, struct err *err)
{
	struct str grants;

	str_init(&grants, pool, JWS_SIZE_MAX);
	if (pack_grants(&grants, &token->claims, err) < 0 ||
	    str_is_full(&grants))
		return err_set(err, E_UNAUTH,
		    "the token has malformed access rights");
	*out = (struct identity){ .name = token->name,
		.has_account = token->has_account,
		.account_id = token->account_id,
		.expires_s = token->expires_s,
		.generation = token->generation,
		.grants = grants.p,
		.grants_size = grants.len };
	return 0;
}

const char *
identity_next(const struct identity *identity, const char *type,
    enum token_action action, const char *previous)
{
	const char *p = identity->grants;
	const char *end = p + identity->grants_size;
	bool is_behind = previous == NULL;

	while (p < end) {
		const char *name = p + strlen(p) + 1;
		const char *bits = name + strlen(name) + 1;
		bool fits = strcmp(p, type) == 0 &&
		    ((unsigned char)*bits & (action | TOKEN_ALL)) != 0;

		if (is_behind && fits)
			return name;
		is_behind = is_behind || name == previous;
		p = bits + 1;
	}
	return NULL;
}

bool
identity_may(const struct identity *identity, const char *type,
    const char *name, enum token_action action)
{
	const char *found = NULL;

	while ((found = identity_next(identity, type, action, found)) != NULL)
		if (strcmp(found, name) == 0)
			return true;
	return false;
}
