#include "common/base/base.h"
#include "fcgi/garant/bearer.h"

#include "common/base/err.h"
#include "common/conf/conf.h"
#include "common/crypt/jws.h"
#include "common/crypt/key.h"
#include "common/crypt/x509.h"
#include "common/model/account.h"
#include "common/model/registry_token.h"
#include "common/model/token_key.h"
#include "fcgi/garant/garant.h"

/* the keys are read anew each time: a retired one is believed no longer */
static int
is_signed(struct pool *pool, const struct jws *jws, struct err *err)
{
	struct token_key *items;
	struct key *key = NULL;
	size_t count, i = 0;
	int rc = token_key_list(garant.db, pool, &items, &count, err);

	if (rc < 0)
		return rc;
	while (i < count && strcmp(items[i].kid, jws->kid) != 0)
		i++;
	if (i == count)
		return 0;
	rc = x509_key(items[i].certificate, &key, err);
	if (rc == 0)
		rc = jws_verify(jws, key, err);
	key_free(&key);
	return rc;
}

/* the name may be another's by now: the id is what counts */
static int
find_account(struct pool *pool, const struct registry_token *token,
    struct account *out, struct err *err)
{
	int rc;

	if (token->name[0] == '\0')
		return 0;
	rc = account_find(garant.db, pool, token->name, out, err);
	if (rc < 0 && rc != E_NOTFOUND)
		return rc;
	if (rc == E_NOTFOUND || !token->has_account ||
	    !rand_id_equal(&token->account_id, &out->id) || !out->is_active)
		return err_set(err, E_UNAUTH,
		    "the token is of an account that may not log in");
	return 1;
}

/* 1 the token opens the catalog as a whole, 0 not */
static int
opens_catalog(const struct registry_token *token, struct err *err)
{
	struct registry_token_grant grant;
	int rc;

	for (size_t i = 0;
	     (rc = registry_token_grant(token, i, &grant, err)) == 1; i++)
		if (strcmp(grant.type, "registry") == 0 &&
		    strcmp(grant.name, "catalog") == 0 &&
		    (grant.actions & (TOKEN_SEARCH | TOKEN_ALL)) != 0)
			return 1;
	return rc;
}

int
bearer_check(
    struct pool *pool, const char *token, struct account *out, struct err *err)
{
	const struct registry_token_wanted wanted = {
		.issuer = garant.conf->external_url,
		.service = garant.service,
		.is_signed = is_signed,
	};
	struct registry_token claims;
	int rc = registry_token_verify(
	    &claims, garant.db, pool, token, &wanted, err);

	if (rc == 0)
		rc = find_account(pool, &claims, out, err);
	return rc <= 0 ? rc : opens_catalog(&claims, err);
}
