#include "common/base/base.h"
#include "common/model/registry_token.h"

#include "common/base/err.h"
#include "common/base/time.h"
#include "common/crypt/jws.h"
#include "common/json/jscheck.h"
#include "common/model/setting.h"

/* the end of the year 9999: in microseconds, too, far from INT64_MAX */
#define LAST_S INT64_C(253402300799)

#define GRANTS_MAX        256
#define GRANT_ACTIONS_MAX 16

static const struct jscheck_limits limits = {
	.bytes = JWS_SIZE_MAX,
	.depth = 6,
	.values = 2000,
	.objects = 400,
};

static int
refuse(struct err *err, const char *why)
{
	return err_set(err, E_UNAUTH, "the token %s", why);
}

int
registry_token_parse(struct registry_token *out, struct pool *pool,
    const struct jws *jws, struct err *err)
{
	const char *uid = "";
	const struct jsr *claims = &out->claims;
	int rc;

	*out = (struct registry_token){ .name = "" };
	if (jsr_parse(pool, jws->payload, jws->payload_size, &limits,
		&out->claims, err) < 0)
		return refuse(err, "has malformed claims");
	rc = jsr_str(claims, "iss", true, &out->issuer, err);
	if (rc == 0)
		rc = jsr_str(claims, "aud", true, &out->audience, err);
	if (rc == 0)
		rc = jsr_str(claims, "sub", true, &out->name, err);
	if (rc == 0)
		rc = jsr_str(claims, "uid", false, &uid, err);
	if (rc == 0)
		rc = jsr_int(
		    claims, "exp", true, 0, LAST_S, &out->expires_s, err);
	if (rc == 0)
		rc = jsr_int(
		    claims, "nbf", true, 0, LAST_S, &out->not_before_s, err);
	if (rc == 0)
		rc = jsr_int(
		    claims, "gen", true, 0, INT64_MAX, &out->generation, err);
	if (rc < 0)
		return refuse(err, "lacks a claim");
	out->has_account = rand_id_parse(&out->account_id, uid);
	return 0;
}

static int
read_grant(
    struct registry_token_grant *out, const struct jsr *grant, struct err *err)
{
	struct jsr actions = { .node = NULL };
	int rc = jsr_as_object(grant, err);

	out->actions = 0;
	if (rc == 0)
		rc = jsr_str(grant, "type", true, &out->type, err);
	if (rc == 0)
		rc = jsr_str(grant, "name", true, &out->name, err);
	if (rc == 0)
		rc = jsr_array(
		    grant, "actions", true, GRANT_ACTIONS_MAX, &actions, err);
	for (size_t i = 0; rc == 0 && i < jsr_count(&actions); i++) {
		struct jsr item = jsr_item(&actions, i);
		const char *action;

		rc = jsr_as_str(&item, &action, err);
		if (rc == 0)
			out->actions |=
			    token_action_parse(action, strlen(action));
	}
	return rc;
}

int
registry_token_grant(const struct registry_token *token, size_t i,
    struct registry_token_grant *out, struct err *err)
{
	struct jsr access = { .node = NULL };
	int rc =
	    jsr_array(&token->claims, "access", true, GRANTS_MAX, &access, err);

	if (rc == 0 && i < jsr_count(&access)) {
		struct jsr grant = jsr_item(&access, i);

		rc = read_grant(out, &grant, err);
		if (rc == 0)
			return 1;
	}
	return rc < 0 ? refuse(err, "has malformed access rights") : 0;
}

static int
check_claims(const struct registry_token *token,
    const struct registry_token_wanted *wanted, struct err *err)
{
	if (strcmp(token->issuer, wanted->issuer) != 0)
		return refuse(err, "is from another issuer");
	if (strcmp(token->audience, wanted->service) != 0)
		return refuse(err, "is for another service");
	if (token->not_before_s > time_now_s() + REGISTRY_TOKEN_LEEWAY_S)
		return refuse(err, "is not valid yet");
	return 0;
}

int
registry_token_check_now(
    struct db *db, int64_t expires_s, int64_t generation, struct err *err)
{
	struct settings settings;
	int rc = settings_current(db, &settings, err);

	if (rc < 0)
		return rc;
	if (expires_s + REGISTRY_TOKEN_LEEWAY_S <= time_now_s())
		return refuse(err, "has expired");
	if (generation < settings.token_generation)
		return refuse(err, "was revoked");
	return 0;
}

/* nothing that the token says is looked at before its signature */
static int
read_signed(struct registry_token *out, struct pool *pool, const char *text,
    const struct registry_token_wanted *wanted, struct err *err)
{
	struct jws jws;
	int rc;

	if (strnlen(text, JWS_SIZE_MAX + 1) > JWS_SIZE_MAX)
		return refuse(err, "is too long");
	rc = jws_parse(&jws, pool, text, err);
	if (rc < 0)
		return rc == E_UNAUTH ? refuse(err, "is malformed") : rc;
	rc = wanted->is_signed(pool, &jws, err);
	if (rc < 0)
		return rc;
	if (rc != 1)
		return refuse(err, "has a bad signature");
	return registry_token_parse(out, pool, &jws, err);
}

int
registry_token_verify(struct registry_token *out, struct db *db,
    struct pool *pool, const char *text,
    const struct registry_token_wanted *wanted, struct err *err)
{
	int rc = read_signed(out, pool, text, wanted, err);

	if (rc == 0)
		rc = check_claims(out, wanted, err);
	if (rc == 0)
		rc = registry_token_check_now(
		    db, out->expires_s, out->generation, err);
	return rc;
}
