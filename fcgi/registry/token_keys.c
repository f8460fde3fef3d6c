#include "common/base/base.h"
#include "fcgi/registry/token_keys.h"

#include <pthread.h>

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/time.h"
#include "common/crypt/jws.h"
#include "common/crypt/key.h"
#include "common/crypt/x509.h"
#include "common/model/token_key.h"
#include "fcgi/registry/registry.h"
#include "fcgi/registry/token.h"

/* keys are few and small: a process keeps all it has seen until it ends, so
 * that a thread may use one without a lock */
#define KEYS_MAX 256
#define RELOAD_MIN_US TIME_SECOND
#define RELOAD_MAX_US (60 * TIME_SECOND)
#define POOL_SIZE ((size_t)4 << 20)

struct known_key {
	char kid[TOKEN_KEY_KID_MAX];
	struct key *key;
	bool valid;
};

static pthread_mutex_t keys_lock = PTHREAD_MUTEX_INITIALIZER;
static struct known_key keys[KEYS_MAX];
static size_t key_count;
static int64_t keys_loaded_us;

static struct known_key *
find(const char *kid)
{
	for (size_t i = 0; i < key_count; i++)
		if (strcmp(keys[i].kid, kid) == 0)
			return &keys[i];
	return NULL;
}

static int
add(const struct token_key *found, struct err *err)
{
	struct known_key *known = find(found->kid);
	int rc;

	if (known == NULL) {
		if (key_count == KEYS_MAX ||
		    strlen(found->kid) >= sizeof(known->kid))
			return err_set(err, E_INTERNAL,
			    "too many token keys; restart the program");
		known = &keys[key_count];
		rc = x509_key(found->certificate, &known->key, err);
		if (rc < 0)
			return rc;
		snprintf(known->kid, sizeof(known->kid), "%s", found->kid);
		key_count++;
	}
	known->valid = true;
	return 0;
}

static int
reload(struct err *err)
{
	struct pool *pool = pool_new(POOL_SIZE);
	struct token_key *found;
	size_t count;
	int rc = token_key_list(registry.db, pool, &found, &count, err);

	if (rc == 0) {
		for (size_t i = 0; i < key_count; i++)
			keys[i].valid = false;
		for (size_t i = 0; rc == 0 && i < count; i++)
			rc = add(&found[i], err);
		keys_loaded_us = time_monotonic_us();
	}
	pool_free(&pool);
	return rc;
}

/* *out is NULL if there is no such key */
static int
get(const char *kid, const struct key **out, struct err *err)
{
	const struct known_key *known;
	int64_t age;
	int rc = 0;

	pthread_mutex_lock(&keys_lock);
	known = find(kid);
	age = time_monotonic_us() - keys_loaded_us;
	if (keys_loaded_us == 0 || age > RELOAD_MAX_US ||
	    (known == NULL && age > RELOAD_MIN_US)) {
		rc = reload(err);
		known = find(kid);
	}
	*out = known != NULL && known->valid ? known->key : NULL;
	pthread_mutex_unlock(&keys_lock);
	return rc;
}

int
token_keys_verify(
    struct pool *pool UNUSED, const struct jws *jws, struct err *err)
{
	const struct key *key;
	int rc = get(jws->kid, &key, err);

	if (rc < 0)
		return rc;
	return key == NULL ? 0 : jws_verify(jws, key, err);
}

void
token_keys_stop(void)
{
	for (size_t i = 0; i < key_count; i++)
		key_free(&keys[i].key);
	key_count = 0;
}
