#include "common/base/base.h"
#include "fcgi/garant/signer.h"

#include <pthread.h>

#include "common/base/err.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/pool.h"
#include "common/base/time.h"
#include "common/crypt/jws.h"
#include "common/crypt/key.h"
#include "common/crypt/seal.h"
#include "common/crypt/x509.h"
#include "common/model/token_key.h"
#include "fcgi/garant/garant.h"

/* shorter than the delay after which a new key signs (dtr key rotate) */
#define REFRESH_US (5 * TIME_SECOND)
#define POOL_SIZE ((size_t)1 << 20)

static pthread_rwlock_t signer_lock = PTHREAD_RWLOCK_INITIALIZER;
static unsigned char signer_cluster_key[SEAL_KEY_SIZE];
static struct key *signer_key;
static char *signer_kid;
static char *signer_x5c;
static int64_t signer_loaded_us;

int
signer_start(const struct conf *conf, struct err *err)
{
	struct pool *pool = pool_new(POOL_SIZE);
	const unsigned char *key;
	int rc = token_key_cluster_key(conf, pool, &key, err);

	if (rc == 0)
		memcpy(signer_cluster_key, key, sizeof(signer_cluster_key));
	pool_free(&pool);
	return rc;
}

void
signer_stop(void)
{
	key_free(&signer_key);
	mem_free(&signer_kid);
	mem_free(&signer_x5c);
	mem_wipe(signer_cluster_key, sizeof(signer_cluster_key));
}

static void
swap(struct key **key, const char *kid, const char *x5c)
{
	struct key *old;

	pthread_rwlock_wrlock(&signer_lock);
	old = signer_key;
	signer_key = *key;
	*key = old;
	mem_free(&signer_kid);
	mem_free(&signer_x5c);
	signer_kid = mem_strdup(kid);
	signer_x5c = mem_strdup(x5c);
	signer_loaded_us = time_monotonic_us();
	pthread_rwlock_unlock(&signer_lock);
}

static int
load(struct err *err)
{
	struct pool *pool = pool_new(POOL_SIZE);
	struct token_key found;
	struct key *key = NULL;
	char *x5c;
	int rc = token_key_signing(
	    garant.db, pool, signer_cluster_key, &found, &key, err);

	if (rc == 0)
		rc = x509_base64(pool, found.certificate, &x5c, err);
	if (rc == 0)
		swap(&key, found.kid, x5c);
	key_free(&key);
	pool_free(&pool);
	/* a registry without a key is not set up: ours to mend */
	if (rc == E_NOTFOUND || rc == E_INVALID)
		err->code = E_BUSY;
	return rc < 0 ? (int)err->code : 0;
}

static int64_t
loaded_us(void)
{
	int64_t us;

	pthread_rwlock_rdlock(&signer_lock);
	us = signer_loaded_us;
	pthread_rwlock_unlock(&signer_lock);
	return us;
}

void
signer_refresh(void)
{
	struct err err;

	if (time_monotonic_us() - loaded_us() > REFRESH_US && load(&err) < 0)
		log_err(NULL, LOG_WARN, "token_key_not_read", &err);
}

int
signer_check(struct err *err)
{
	return loaded_us() != 0 ? 0 : load(err);
}

int
signer_sign(struct pool *pool, const char *payload, size_t n, char **out,
    struct err *err)
{
	int rc = signer_check(err);

	if (rc < 0)
		return rc;
	pthread_rwlock_rdlock(&signer_lock);
	rc = jws_sign(pool, signer_key, signer_kid, signer_x5c, payload, n,
	    out, err);
	pthread_rwlock_unlock(&signer_lock);
	return rc;
}
