#include "common/base/base.h"
#include "fcgi/garant/bearer.h"

#include "common/base/err.h"
#include "common/base/time.h"
#include "common/conf/conf.h"
#include "common/crypt/jws.h"
#include "common/crypt/key.h"
#include "common/crypt/x509.h"
#include "common/json/jscheck.h"
#include "common/json/jsr.h"
#include "common/model/account.h"
#include "common/model/setting.h"
#include "common/model/token_key.h"
#include "fcgi/garant/garant.h"

/* clocks of two nodes may differ by this much */
#define LEEWAY_S 10

static const struct jscheck_limits claims_limits = {
	.bytes = JWS_SIZE_MAX,
	.depth = 6,
	.values = 2000,
};

struct claims {
	const char *issuer;
	const char *audience;
	const char *name;
	const char *uid; /* "" of nobody's */
	int64_t expires_s;
	int64_t not_before_s;
	int64_t generation;
};

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
read_claims(struct pool *pool, const struct jws *jws, struct claims *out,
    struct err *err)
{
	struct jsr root;
	int rc = jsr_parse(
	    pool, jws->payload, jws->payload_size, &claims_limits, &root, err);

	out->uid = "";
	if (rc == 0)
		rc = jsr_str(&root, "iss", true, &out->issuer, err);
	if (rc == 0)
		rc = jsr_str(&root, "aud", true, &out->audience, err);
	if (rc == 0)
		rc = jsr_str(&root, "sub", true, &out->name, err);
	if (rc == 0)
		rc = jsr_str(&root, "uid", false, &out->uid, err);
	if (rc == 0)
		rc = jsr_int(
		    &root, "exp", true, 0, INT64_MAX / 2, &out->expires_s, err);
	if (rc == 0)
		rc = jsr_int(&root, "nbf", true, 0, INT64_MAX / 2,
		    &out->not_before_s, err);
	if (rc == 0)
		rc = jsr_int(
		    &root, "gen", true, 0, INT64_MAX, &out->generation, err);
	return rc < 0 ? refuse(err, "lacks a claim") : 0;
}

static int
check_claims(const struct claims *claims, struct err *err)
{
	struct settings settings;
	int64_t now_s = time_now_s();
	int rc = settings_current(garant.db, &settings, err);

	if (rc < 0)
		return rc;
	if (strcmp(claims->issuer, garant.conf->external_url) != 0)
		return refuse(err, "is from another issuer");
	if (strcmp(claims->audience, garant.service) != 0)
		return refuse(err, "is for another service");
	if (claims->not_before_s > now_s + LEEWAY_S)
		return refuse(err, "is not valid yet");
	if (claims->expires_s + LEEWAY_S <= now_s)
		return refuse(err, "has expired");
	if (claims->generation < settings.token_generation)
		return refuse(err, "was revoked");
	return 0;
}

/* the name may be another's by now: the id is what counts */
static int
find_account(struct pool *pool, const struct claims *claims,
    struct account *out, struct err *err)
{
	struct rand_id id;
	int rc;

	if (claims->name[0] == '\0')
		return 0;
	rc = account_find(garant.db, pool, claims->name, out, err);
	if (rc < 0 && rc != E_NOTFOUND)
		return rc;
	if (rc == E_NOTFOUND || !rand_id_parse(&id, claims->uid) ||
	    !rand_id_equal(&id, &out->id) || !out->is_active)
		return refuse(err, "is of an account that may not log in");
	return 1;
}

int
bearer_check(
    struct pool *pool, const char *token, struct account *out, struct err *err)
{
	struct claims claims;
	struct jws jws;
	int rc;

	if (strnlen(token, JWS_SIZE_MAX + 1) > JWS_SIZE_MAX)
		return refuse(err, "is too long");
	rc = jws_parse(&jws, pool, token, err);
	if (rc < 0)
		return rc == E_UNAUTH ? refuse(err, "is malformed") : rc;
	rc = check_signature(pool, &jws, err);
	if (rc == 0)
		rc = read_claims(pool, &jws, &claims, err);
	if (rc == 0)
		rc = check_claims(&claims, err);
	return rc < 0 ? rc : find_account(pool, &claims, out, err);
}
