/*
 * Claims of a registry token, as they are behind a good signature: whatever
 * is believed of them is within its bounds, and the rights are those that the
 * document says.
 */
#include "common/base/base.h"
#include "tests/fuzz/fuzz.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/time.h"
#include "common/crypt/jws.h"
#include "common/model/registry_token.h"
#include "fcgi/registry/identity.h"

static const char *const action_names[] = { "pull", "push", "delete", "*",
	"search" };

static unsigned
actions_of(const struct jsr *grant)
{
	struct jsr actions;
	struct err err;
	unsigned bits = 0;

	ASSERT(jsr_array(grant, "actions", true, 1000, &actions, &err) == 0);
	for (size_t i = 0; i < jsr_count(&actions); i++) {
		struct jsr item = jsr_item(&actions, i);
		const char *text;

		ASSERT(jsr_as_str(&item, &text, &err) == 0);
		for (unsigned j = 0; j < COUNT_OF(action_names); j++)
			if (strcmp(text, action_names[j]) == 0)
				bits |= 1U << j;
	}
	return bits;
}

/* each grant of the document is one that it has */
static size_t
check_grants(const struct identity *identity, const struct jsr *claims)
{
	struct jsr access;
	struct err err;

	ASSERT(jsr_array(claims, "access", true, 1000, &access, &err) == 0);
	for (size_t i = 0; i < jsr_count(&access); i++) {
		struct jsr grant = jsr_item(&access, i);
		const char *type, *name;
		unsigned bits;

		ASSERT(jsr_as_object(&grant, &err) == 0);
		ASSERT(jsr_str(&grant, "type", true, &type, &err) == 0);
		ASSERT(jsr_str(&grant, "name", true, &name, &err) == 0);
		bits = actions_of(&grant);
		for (unsigned bit = TOKEN_PULL; bit <= TOKEN_SEARCH; bit *= 2)
			if ((bits & (bit | TOKEN_ALL)) != 0)
				ASSERT(identity_may(identity, type, name,
				    (enum token_action)bit));
	}
	return jsr_count(&access);
}

/* and it has no others */
static void
check_no_more(const struct identity *identity, size_t count)
{
	const char *found = NULL;
	size_t n = 0;

	while ((found = identity_next(
		    identity, "repository", TOKEN_PULL, found)) != NULL) {
		ASSERT(found > identity->grants &&
		    found < identity->grants + identity->grants_size);
		n++;
	}
	ASSERT(n <= count);
}

static void
check(struct pool *pool, const struct registry_token *token)
{
	struct identity identity;
	struct err err;
	int rc;

	/* in microseconds, as the cache counts */
	ASSERT(token->expires_s >= 0 &&
	    token->expires_s < INT64_MAX / TIME_SECOND / 2);
	ASSERT(token->not_before_s >= 0 &&
	    token->not_before_s < INT64_MAX / TIME_SECOND / 2);
	ASSERT(token->generation >= 0);
	rc = identity_from_token(&identity, pool, token, &err);
	ASSERT(rc == 0 || rc == E_UNAUTH);
	if (rc < 0)
		return;
	ASSERT(identity.grants_size <= JWS_SIZE_MAX);
	check_no_more(&identity, check_grants(&identity, &token->claims));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pool *pool = pool_new((size_t)64 << 20);
	const struct jws jws = { .payload = pool_memdup(pool, data, n),
		.payload_size = n };
	struct registry_token token;
	struct err err;
	int rc = registry_token_parse(&token, pool, &jws, &err);

	ASSERT(rc == 0 || rc == E_UNAUTH);
	if (rc == 0)
		check(pool, &token);
	pool_free(&pool);
	return 0;
}
