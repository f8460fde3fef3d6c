#include "common/base/base.h"
#include "fcgi/garant/login.h"

#include <strings.h>

#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/mem.h"
#include "common/base/pool.h"
#include "common/base/rand.h"
#include "common/base/time.h"
#include "common/conf/conf.h"
#include "common/crypt/digest.h"
#include "common/crypt/passwd.h"
#include "common/model/access_token.h"
#include "common/model/login_delay.h"
#include "fcgi/core/cache.h"
#include "fcgi/core/metrics.h"
#include "fcgi/garant/garant.h"
#include "fcgi/garant/places.h"

#define REMEMBER_US (60 * TIME_SECOND)
#define CACHE_SIZE  ((size_t)1 << 20)

static struct cache *login_good;
/* of this process alone: the cache's keys say nothing to anybody else */
static unsigned char login_cache_key[32];

void
login_start(unsigned parallel_checks, unsigned waiting)
{
	login_good = cache_new(CACHE_SIZE);
	places_start(parallel_checks, waiting);
	rand_bytes(login_cache_key, sizeof(login_cache_key));
}

void
login_stop(void)
{
	places_stop();
	cache_free(&login_good);
	mem_wipe(login_cache_key, sizeof(login_cache_key));
}

int
login_parse_basic(struct req *req, char **name_out, char **password_out,
    struct err *err)
{
	const char *header = req_header(req, "AUTHORIZATION");
	char *text, *colon;
	size_t n;

	if (header == NULL || strncasecmp(header, "Basic ", 6) != 0)
		return 0;
	header += 6 + strspn(header + 6, " ");
	text = (char *)enc_parse_base64(
	    req->pool, header, strlen(header), &n);
	colon = text != NULL ? memchr(text, ':', n) : NULL;
	if (colon == NULL || memchr(text, '\0', n) != NULL)
		return err_set(
		    err, E_UNAUTH, "malformed Authorization header");
	*colon = '\0';
	*name_out = text;
	*password_out = colon + 1;
	return 1;
}

static int
wrong(struct err *err)
{
	return err_set(
	    err, E_UNAUTH, "incorrect user name or password");
}

static int
wait_first(struct req *req, const char *name, struct err *err)
{
	int64_t wait_us;
	int64_t seconds;
	int rc = login_delay_get(
	    garant.db, req->pool, name, req->remote, &wait_us, err);

	if (rc < 0 || wait_us == 0)
		return rc;
	seconds = (wait_us + TIME_SECOND - 1) / TIME_SECOND;
	metric_add(GARANT_LOGINS_DELAYED, 1);
	resp_printf(req, "Retry-After", "%" PRId64, seconds);
	return err_set(err, E_LIMIT,
	    "too many wrong passwords from this address; try again in "
	    "%" PRId64 " seconds",
	    seconds);
}

static int
take_place(struct req *req, struct err *err)
{
	if (places_take(req->remote))
		return 0;
	metric_add(GARANT_LOGINS_BUSY, 1);
	resp_header(req, "Retry-After", "5");
	return err_set(err, E_LIMIT,
	    "too many logins at once; try again in a few seconds");
}

/* the stored hash is part of the key: a new password forgets the old one */
static void
cache_key(unsigned char key[CACHE_KEY_SIZE], struct pool *pool,
    const struct account *account, const char *password)
{
	size_t hash_size = strlen(account->password_hash) + 1;
	size_t n = hash_size + strlen(password);
	char *text = pool_secret(pool, n);

	memcpy(text, account->password_hash, hash_size);
	memcpy(text + hash_size, password, n - hash_size);
	digest_hmac(
	    login_cache_key, sizeof(login_cache_key), text, n, key);
}

/* 1 right, 0 wrong, < 0 could not find out */
static int
compare(const struct account *account, const char *password, struct err *err)
{
	if (account != NULL)
		return passwd_verify(password, account->password_hash, err);
	/* an unknown name must take as long as a known one */
	passwd_waste(password, garant.conf->garant_password_method,
	    (unsigned)garant.conf->garant_password_cost);
	return 0;
}

/* docker sends it with every pull */
static bool
is_remembered(struct req *req, const unsigned char key[CACHE_KEY_SIZE])
{
	size_t n;

	return cache_get(login_good, key, req->pool, &n) != NULL;
}

static int
note_wrong(struct req *req, const char *name, struct err *err)
{
	int rc = login_delay_fail(garant.db, name, req->remote, err);

	metric_add(GARANT_LOGINS_WRONG, 1);
	return rc < 0 ? rc : wrong(err);
}

/* 0 if it is right. As many at once as there are places: who waited for one
 * may have been wrong meanwhile, or right. */
static int
check_slowly(struct req *req, const char *name, const struct account *account,
    const char *password, const unsigned char key[CACHE_KEY_SIZE],
    struct err *err)
{
	int rc = take_place(req, err);

	if (rc < 0)
		return rc;
	rc = wait_first(req, name, err);
	if (rc == 0 && account != NULL && is_remembered(req, key))
		rc = 1;
	else if (rc == 0)
		rc = compare(account, password, err);
	/* before the place is free: whoever gets it has to see this */
	if (rc == 0)
		rc = note_wrong(req, name, err);
	places_give(req->remote);
	return rc < 0 ? rc : 0;
}

static int
check_password(struct req *req, const char *name,
    const struct account *account, const char *password, struct err *err)
{
	unsigned char key[CACHE_KEY_SIZE];
	int rc = wait_first(req, name, err);

	/* also for the right one, which is else told from wrong ones at once */
	if (rc < 0)
		return rc;
	if (account != NULL) {
		cache_key(key, req->pool, account, password);
		if (is_remembered(req, key)) {
			metric_add(GARANT_LOGINS_CACHED, 1);
			return 0;
		}
	}
	rc = check_slowly(req, name, account, password, key, err);
	if (rc < 0)
		return rc;
	metric_add(GARANT_LOGINS_GOOD, 1);
	cache_put(login_good, key, "", 1, time_monotonic_us() + REMEMBER_US);
	return login_delay_clear(garant.db, name, req->remote, err);
}

static int
check_token(struct req *req, const char *name, const char *secret,
    struct account *out, struct err *err)
{
	int rc = access_token_check(garant.db, req->pool, secret,
	    ACCESS_TOKEN_MANUAL, "", out, err);

	if (rc == 0 && strcmp(out->name, name) != 0)
		rc = E_UNAUTH;
	if (rc == E_UNAUTH) {
		metric_add(GARANT_LOGINS_WRONG, 1);
		return wrong(err);
	}
	if (rc == 0)
		metric_add(GARANT_LOGINS_GOOD, 1);
	return rc;
}

int
login_password(struct req *req, const char *name, const char *password,
    struct account *out, struct err *err)
{
	bool known;
	int rc;

	if (strlen(name) > ACCOUNT_NAME_MAX || password[0] == '\0' ||
	    strlen(password) > PASSWD_LENGTH_MAX)
		return wrong(err);
	if (access_token_is_secret(password))
		return check_token(req, name, password, out, err);
	rc = account_find(garant.db, req->pool, name, out, err);
	if (rc < 0 && rc != E_NOTFOUND)
		return rc;
	known = rc == 0 && out->kind == ACCOUNT_USER && out->is_active &&
	    out->password_hash != NULL;
	return check_password(
	    req, name, known ? out : NULL, password, err);
}
