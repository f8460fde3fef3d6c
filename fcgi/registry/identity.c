#include "common/base/base.h"
#include "fcgi/registry/identity.h"

#include "common/base/err.h"
#include "common/base/str.h"
#include "common/crypt/jws.h"
#include "common/model/registry_token.h"

/* one grant is "type NUL name NUL" and a byte of action bits */
static void
pack(struct str *out, const struct registry_token_grant *grant)
{
	str_add(out, grant->type, strlen(grant->type) + 1);
	str_add(out, grant->name, strlen(grant->name) + 1);
	str_putc(out, (char)grant->actions);
}

int
identity_from_token(struct identity *out, struct pool *pool,
    const struct registry_token *token, struct err *err)
{
	struct registry_token_grant grant;
	struct str grants;
	int rc;

	str_init(&grants, pool, JWS_SIZE_MAX);
	for (size_t i = 0;
	     (rc = registry_token_grant(token, i, &grant, err)) == 1; i++)
		pack(&grants, &grant);
	if (rc < 0)
		return rc;
	if (str_is_full(&grants))
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
