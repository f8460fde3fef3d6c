#include "common/base/base.h"
#include "fcgi/registry/token.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/time.h"
#include "common/conf/conf.h"
#include "common/crypt/digest.h"
#include "common/crypt/jws.h"
#include "common/model/registry_token.h"
#include "fcgi/core/cache.h"
#include "fcgi/core/metrics.h"
#include "fcgi/registry/registry.h"
#include "fcgi/registry/token_keys.h"

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

/* one that is not remembered */
static int
verify_new(struct pool *pool, const char *text, struct identity *out,
    struct err *err)
{
	const struct registry_token_wanted wanted = {
		.issuer = registry.conf->external_url,
		.service = registry.service,
		.is_signed = token_keys_verify,
	};
	struct registry_token token;
	int rc = registry_token_verify(
	    &token, registry.db, pool, text, &wanted, err);

	return rc < 0 ? rc : identity_from_token(out, pool, &token, err);
}

int
token_verify(
    struct pool *pool, const char *text, struct identity *out, struct err *err)
{
	unsigned char digest[DIGEST_SHA256_SIZE];
	int rc;

	/* of one that is too long the beginning: it is no good token's */
	digest_of(DIGEST_SHA256, text, strnlen(text, JWS_SIZE_MAX + 1), digest);
	if (recall(pool, digest, out))
		return registry_token_check_now(
		    registry.db, out->expires_s, out->generation, err);
	rc = verify_new(pool, text, out, err);
	if (rc == E_UNAUTH)
		metric_add(REGISTRY_TOKENS_REFUSED, 1);
	if (rc < 0)
		return rc;
	keep(pool, digest, out);
	metric_add(REGISTRY_TOKENS_VERIFIED, 1);
	return 0;
}
