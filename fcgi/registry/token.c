#include "common/base/base.h"
#include "fcgi/registry/token.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/base/time.h"
#include "common/conf/conf.h"
#include "common/crypt/digest.h"
#include "common/crypt/jws.h"
#include "common/json/jsr.h"
#include "common/model/registry_token.h"
#include "common/model/setting.h"
#include "fcgi/core/cache.h"
#include "fcgi/core/metrics.h"
#include "fcgi/registry/registry.h"
#include "fcgi/registry/token_keys.h"

#define GRANTS_MAX 256
/* so long a token is believed without a look at its key, which may be retired
 * meanwhile */
#define REMEMBER_US (60 * TIME_SECOND)

/* what the cache keeps: this, then the name, a NUL and the grants */
struct packed {
	struct rand_id account_id;
	int64_t expires_s;
	int64_t generation;
	bool has_account;
	char text[];
};

static int
refuse(struct err *err, const char *why)
{
	return err_set(err, E_UNAUTH, "the token %s", why);
}

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

/* what changes while a token is cached */
static int
check_now(const struct identity *identity, struct err *err)
{
	struct settings settings;
	int rc = settings_current(registry.db, &settings, err);

	if (rc == 0)
		rc = registry_token_check_time(identity->expires_s,
		    identity->generation, settings.token_generation, err);
	return rc;
}

static int
read_claims(struct pool *pool, const struct jws *jws, struct identity *out,
    struct jsr *claims_out, struct err *err)
{
	struct registry_token token;
	int rc = registry_token_parse(&token, pool, jws, err);

	if (rc == 0)
		rc = registry_token_check_origin(
		    &token, registry.conf->external_url, registry.service, err);
	if (rc < 0)
		return rc;
	*out = (struct identity){ .name = token.name,
		.has_account = token.has_account,
		.account_id = token.account_id,
		.expires_s = token.expires_s,
		.generation = token.generation };
	*claims_out = token.claims;
	return check_now(out, err);
}

static void
keep(struct pool *pool, const unsigned char *digest,
    const struct identity *identity)
{
	int64_t life_us =
	    (identity->expires_s + REGISTRY_TOKEN_LEEWAY_S - time_now_s()) * TIME_SECOND;
	size_t name_size = strlen(identity->name) + 1;
	size_t n = sizeof(struct packed) + name_size + identity->grants_size;
	struct packed *packed = pool_alloc(pool, n);

	packed->account_id = identity->account_id;
	packed->expires_s = identity->expires_s;
	packed->generation = identity->generation;
	packed->has_account = identity->has_account;
	memcpy(packed->text, identity->name, name_size);
	memcpy(packed->text + name_size, identity->grants,
	    identity->grants_size);
	cache_put(registry.tokens, digest, packed, n,
	    time_monotonic_us() +
		(life_us < REMEMBER_US ? life_us : REMEMBER_US));
}

static bool
recall(struct pool *pool, const unsigned char *digest, struct identity *out)
{
	size_t n, name_size;
	const struct packed *packed =
	    cache_get(registry.tokens, digest, pool, &n);

	if (packed == NULL)
		return false;
	name_size = strlen(packed->text) + 1;
	*out = (struct identity){
		.name = packed->text,
		.has_account = packed->has_account,
		.account_id = packed->account_id,
		.expires_s = packed->expires_s,
		.generation = packed->generation,
		.grants = packed->text + name_size,
		.grants_size = n - sizeof(*packed) - name_size,
	};
	return true;
}

static int
verify_signature(const struct jws *jws, struct err *err)
{
	int good = token_keys_verify(jws, err);

	if (good < 0)
		return good;
	return good == 1 ? 0 : refuse(err, "has a bad signature");
}

/* one that is not remembered */
static int
verify_new(struct pool *pool, const char *text, struct identity *out,
    struct err *err)
{
	struct str grants;
	struct jsr claims;
	struct jws jws;
	int rc = jws_parse(&jws, pool, text, err);

	if (rc < 0)
		return rc == E_UNAUTH ? refuse(err, "is malformed") : rc;
	rc = verify_signature(&jws, err);
	if (rc == 0)
		rc = read_claims(pool, &jws, out, &claims, err);
	if (rc < 0)
		return rc;
	str_init(&grants, pool, JWS_SIZE_MAX);
	if (pack_grants(&grants, &claims, err) < 0 || str_is_full(&grants))
		return refuse(err, "has malformed access rights");
	out->grants = grants.p;
	out->grants_size = grants.len;
	return 0;
}

int
token_verify(
    struct pool *pool, const char *text, struct identity *out, struct err *err)
{
	unsigned char digest[DIGEST_SHA256_SIZE];
	size_t n = strnlen(text, JWS_SIZE_MAX + 1);
	int rc;

	if (n > JWS_SIZE_MAX) {
		rc = refuse(err, "is too long");
	} else {
		digest_of(DIGEST_SHA256, text, n, digest);
		if (recall(pool, digest, out))
			return check_now(out, err);
		rc = verify_new(pool, text, out, err);
	}
	if (rc == E_UNAUTH)
		metric_add(REGISTRY_TOKENS_REFUSED, 1);
	if (rc < 0)
		return rc;
	keep(pool, digest, out);
	metric_add(REGISTRY_TOKENS_VERIFIED, 1);
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
