#include "common/base/base.h"
#include "fcgi/garant/bearer.h"

#include "common/base/err.h"
#include "common/conf/conf.h"
#include "common/crypt/jws.h"
#include "common/crypt/key.h"
#include "common/crypt/x509.h"
#include "common/model/account.h"
#include "common/model/registry_token.h"
#include "common/model/setting.h"
#include "common/model/token_key.h"
#include "fcgi/garant/garant.h"

static int
refuse(struct err *err, const char *why)
{
	return err_set(err, E_UNAUTH, "the token %s", why);
}

/* the keys are read anew each time: a retired one is believed no longer */
static int
check_signature(struct pool *pool, const struct jws *jws, struct err *err)
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
		return refuse(err, "has a bad signature");
	rc = x509_key(items[i].certificate, &key, err);
	if (rc == 0)
		rc = jws_verify(jws, key, err);
	key_free(&key);
	if (rc < 0)
		return rc;
	return rc == 1 ? 0 : refuse(err, "has a bad signature");
}

static int
check_claims(const struct registry_token *token, struct err *err)
{
	struct settings settings;
	int rc = settings_current(garant.db, &settings, err);

	if (rc == 0)
		rc = registry_token_check_origin(
		    token, garant.conf->external_url, garant.service, err);
	if (rc == 0)
		rc = registry_token_check_time(token->expires_s,
		    token->generation, settings.token_generation, err);
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
		return refuse(err, "is of an account that may not log in");
	return 1;
}

int
bearer_check(
    struct pool *pool, const char *token, struct account *out, struct err *err)
{
	struct registry_token claims;
	struct jws jws;
	int rc;

	if (strnlen(token, JWS_SIZE_MAX + 1) > JWS_SIZE_MAX)
		return refuse(err, "is too long");
	rc = jws_parse(&jws, pool, token, err);
	if (rc < 0)
		return rc == E_UNAUTH ? refuse(err, "is malformed") : rc;
	rc = check_signature(pool, &jws, err);
	if (rc == 0)
		rc = registry_token_parse(&claims, pool, &jws, err);
	if (rc == 0)
		rc = check_claims(&claims, err);
	return rc < 0 ? rc : find_account(pool, &claims, out, err);
}
