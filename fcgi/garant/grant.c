#include "common/base/base.h"
#include "fcgi/garant/grant.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/base/time.h"
#include "common/conf/conf.h"
#include "common/crypt/jws.h"
#include "common/json/jsw.h"
#include "common/model/access.h"
#include "common/model/account.h"
#include "common/model/setting.h"
#include "common/oci/name.h"
#include "fcgi/garant/garant.h"
#include "fcgi/garant/signer.h"

static unsigned
actions_of(const struct access *access, bool create_on_push)
{
	switch (access->level) {
	case ACCESS_ADMIN:
		return TOKEN_PULL | TOKEN_PUSH | TOKEN_DELETE | TOKEN_ALL;
	case ACCESS_WRITE:
		return TOKEN_PULL | TOKEN_PUSH | TOKEN_DELETE;
	case ACCESS_READ:
		return TOKEN_PULL;
	case ACCESS_NONE:
		break;
	}
	/* who may make it gets an honest "not found" for what is not there */
	if (!access->has_repository && access->may_create)
		return TOKEN_PULL | TOKEN_DELETE |
		    (create_on_push ? TOKEN_PUSH : 0);
	return 0;
}

static int
cut_repository(struct pool *pool, const struct account *account,
    struct scope *scope, bool create_on_push, struct err *err)
{
	struct access access;
	int rc;

	if (!oci_name_is_valid(scope->name)) {
		scope->actions = 0;
		return 0;
	}
	/* who asks for all gets what he may: skopeo deletes by it */
	if ((scope->actions & TOKEN_ALL) != 0)
		scope->actions |= TOKEN_PULL | TOKEN_PUSH | TOKEN_DELETE;
	rc = access_decide(garant.db, pool, account, scope->name, &access, err);
	if (rc == 0)
		scope->actions &= actions_of(&access, create_on_push);
	return rc;
}

static int
cut(struct pool *pool, const struct account *account, struct scope_list *scopes,
    bool create_on_push, struct err *err)
{
	for (size_t i = 0; i < scopes->count; i++) {
		struct scope *scope = &scopes->items[i];
		int rc;

		if (strcmp(scope->type, "repository") == 0) {
			rc = cut_repository(
			    pool, account, scope, create_on_push, err);
			if (rc < 0)
				return rc;
		} else if (strcmp(scope->type, "registry") == 0 &&
		    strcmp(scope->name, "catalog") == 0) {
			/* it lists what its reader may read */
			scope->actions &= TOKEN_ALL | TOKEN_SEARCH;
		} else {
			scope->actions = 0;
		}
	}
	return 0;
}

static void
put_access(struct jsw *w, const struct scope_list *scopes)
{
	jsw_array(w, "access");
	for (size_t i = 0; i < scopes->count; i++) {
		const struct scope *scope = &scopes->items[i];

		if (scope->actions == 0)
			continue;
		jsw_object(w, NULL);
		jsw_str(w, "type", scope->type);
		jsw_str(w, "name", scope->name);
		jsw_array(w, "actions");
		for (size_t j = 0; j < TOKEN_ACTIONS; j++) {
			const struct token_action_name *one =
			    &token_action_names[j];

			if ((scope->actions & one->action) != 0)
				jsw_str(w, NULL, one->name);
		}
		jsw_end(w);
		jsw_end(w);
	}
	jsw_end(w);
}

static const char *
scope_text(struct pool *pool, const struct scope_list *scopes)
{
	struct str text;

	str_init(&text, pool, JWS_SIZE_MAX);
	for (size_t i = 0; i < scopes->count; i++) {
		const struct scope *scope = &scopes->items[i];
		char separator = ':';

		if (scope->actions == 0)
			continue;
		str_printf(&text, "%s%s:%s", text.len > 0 ? " " : "",
		    scope->type, scope->name);
		for (size_t j = 0; j < TOKEN_ACTIONS; j++) {
			const struct token_action_name *one =
			    &token_action_names[j];

			if ((scope->actions & one->action) == 0)
				continue;
			str_putc(&text, separator);
			str_puts(&text, one->name);
			separator = ',';
		}
	}
	return text.p;
}

static void
put_claims(struct str *text, const struct account *account,
    const struct scope_list *scopes, const struct grant *grant,
    int64_t generation)
{
	int64_t now_s = grant->issued_us / TIME_SECOND;
	struct rand_id id = rand_id_new();
	char id_text[RAND_ID_TEXT_SIZE];
	struct jsw w;

	jsw_init(&w, text);
	jsw_object(&w, NULL);
	jsw_str(&w, "iss", garant.conf->external_url);
	jsw_str(&w, "sub", account != NULL ? account->name : "");
	jsw_str(&w, "aud", garant.service);
	jsw_int(&w, "exp", now_s + grant->life_s);
	jsw_int(&w, "nbf", now_s);
	jsw_int(&w, "iat", now_s);
	rand_id_put(id_text, &id);
	jsw_str(&w, "jti", id_text);
	jsw_int(&w, "gen", generation);
	if (account != NULL) {
		rand_id_put(id_text, &account->id);
		jsw_str(&w, "uid", id_text);
	}
	put_access(&w, scopes);
	jsw_end(&w);
	jsw_done(&w);
}

static bool
is_same_login(const struct account *a, const struct account *b)
{
	const char *x = a->password_hash, *y = b->password_hash;

	return rand_id_equal(&a->id, &b->id) &&
	    (x == y || (x != NULL && y != NULL && strcmp(x, y) == 0));
}

/* as it is now: to check a password may have taken seconds */
static int
find_again(struct pool *pool, const struct grant_asker *asker,
    struct account *out, struct err *err)
{
	const struct account *account = asker->account;
	int rc = asker->secret != NULL
	    ? access_token_check(garant.db, pool, asker->secret,
		  asker->secret_kind, garant.service, out, err)
	    : account_find(garant.db, pool, account->name, out, err);

	if (rc < 0 && rc != E_NOTFOUND && rc != E_UNAUTH)
		return rc;
	if (rc == 0 && is_same_login(out, account) && out->is_active)
		return 0;
	return err_set(
	    err, E_UNAUTH, "the account was changed just now; log in again");
}

/* 1, or 0: it is longer than programs take */
static int
make_token(struct pool *pool, const struct account *account,
    const struct scope_list *scopes, int64_t generation, struct grant *out,
    struct err *err)
{
	struct str claims;
	char *token;
	int rc;

	str_init(&claims, pool, JWS_SIZE_MAX * 4);
	put_claims(&claims, account, scopes, out, generation);
	rc = signer_sign(pool, claims.p, claims.len, &token, err);
	if (rc < 0)
		return rc;
	out->token = token;
	return !str_is_full(&claims) && strlen(token) <= JWS_SIZE_MAX;
}

/* of the first ones, for a token that is too long by so much */
static size_t
count_to_drop(const struct scope_list *scopes, size_t excess)
{
	static const char words[] = "{type:,name:,actions:[]}";
	size_t claims = excess / 4 * 3 + 1; /* base64 is longer */
	size_t freed = 0, n = 0;

	for (; n < scopes->count && freed < claims; n++)
		freed += strlen(words) + strlen(scopes->items[n].type) +
		    strlen(scopes->items[n].name);
	return n;
}

/*
 * The generation comes first and of the database: what is revoked from then
 * on has none of the rights that are looked up behind it.
 */
int
grant_make(struct pool *pool, const struct grant_asker *asker,
    struct scope_list *scopes, struct grant *out, struct err *err)
{
	const struct account *account = asker->account;
	struct settings settings;
	struct account now;
	int rc = setting_load(garant.db, pool, &settings, err);

	if (rc == 0 && account != NULL)
		rc = find_again(pool, asker, &now, err);
	if (rc == 0)
		rc = cut(pool, account != NULL ? &now : NULL, scopes,
		    settings.create_on_push, err);
	if (rc < 0)
		return rc;
	out->issued_us = time_now_us();
	out->life_s = garant.conf->garant_token_life;
	rc = make_token(
	    pool, account, scopes, settings.token_generation, out, err);
	/* those named last matter most (scope.h) */
	while (rc == 0) {
		ASSERT(scopes->count > 0);
		scope_drop(scopes,
		    count_to_drop(scopes, strlen(out->token) - JWS_SIZE_MAX));
		rc = make_token(
		    pool, account, scopes, settings.token_generation, out, err);
	}
	out->scope = scope_text(pool, scopes);
	return rc < 0 ? rc : 0;
}
