#include "common/base/base.h"
#include "fcgi/core/cache.h"

#include <pthread.h>

/* keys are digests: any part of one is as good as a hash of it */
#define HASH_FUNCTION(key, n, hash) memcpy(&(hash), (key), sizeof(hash))
/* a table that cannot grow would end the process: as all our memory does */
#include <uthash.h>

#include "common/base/mem.h"
#include "common/base/pool.h"
#include "common/base/time.h"

struct item {
	unsigned char key[CACHE_KEY_SIZE];
	UT_hash_handle hh;
	struct item *newer;
	struct item *older;
	int64_t expires_us;
	size_t n;
	unsigned char value[];
};

struct cache {
	pthread_mutex_t lock;
	struct item *table;
	struct item *newest;
	struct item *oldest;
	size_t used;
	size_t max;
};

struct cache *
cache_new(size_t max_bytes)
{
	struct cache *cache = mem_new(sizeof(*cache));

	pthread_mutex_init(&cache->lock, NULL);
	cache->max = max_bytes;
	return cache;
}

static size_t
size_of(size_t n)
{
	return sizeof(struct item) + n;
}

static void
unlink_item(struct cache *cache, struct item *item)
{
	*(item->newer != NULL ? &item->newer->older : &cache->newest) =
	    item->older;
	*(item->older != NULL ? &item->older->newer : &cache->oldest) =
	    item->newer;
	item->newer = item->older = NULL;
}

static void
link_newest(struct cache *cache, struct item *item)
{
	item->older = cache->newest;
	if (cache->newest != NULL)
		cache->newest->newer = item;
	cache->newest = item;
	if (cache->oldest == NULL)
		cache->oldest = item;
}

static void
drop(struct cache *cache, struct item *item)
{
	HASH_DEL(cache->table, item);
	unlink_item(cache, item);
	cache->used -= size_of(item->n);
	mem_wipe(item->value, item->n);
	free(item);
}

static struct item *
find(struct cache *cache, const unsigned char *key)
{
	struct item *item;

	HASH_FIND(hh, cache->table, key, CACHE_KEY_SIZE, item);
	return item;
}

void *
cache_get(struct cache *cache, const unsigned char key[CACHE_KEY_SIZE],
    struct pool *pool, size_t *n_out)
{
	struct item *item;
	void *value = NULL;

	pthread_mutex_lock(&cache->lock);
	item = find(cache, key);
	if (item != NULL && item->expires_us != 0 &&
	    item->expires_us <= time_monotonic_us()) {
		drop(cache, item);
		item = NULL;
	}
	if (item != NULL) {
		if (cache->newest != item) {
			unlink_item(cache, item);
			link_newest(cache, item);
		}
		value = pool_memdup(pool, item->value, item->n);
		*n_out = item->n;
	}
	pthread_mutex_unlock(&cache->lock);
	return value;
}

void
cache_put(struct cache *cache, const unsigned char key[CACHE_KEY_SIZE],
    const void *p, size_t n, int64_t expires_us)
{
	struct item *item, *old;

	if (size_of(n) > cache->max / 4)
		return;
	item = mem_new(size_of(n));
	memcpy(item->key, key, CACHE_KEY_SIZE);
	memcpy(item->value, p, n);
	item->n = n;
	item->expires_us = expires_us;
	pthread_mutex_lock(&cache->lock);
	old = find(cache, key);
	if (old != NULL)
		drop(cache, old);
	while (cache->used + size_of(n) > cache->max)
		drop(cache, cache->oldest);
	HASH_ADD(hh, cache->table, key, CACHE_KEY_SIZE, item);
	link_newest(cache, item);
	cache->used += size_of(n);
	pthread_mutex_unlock(&cache->lock);
}

void
cache_clear(struct cache *cache)
{
	pthread_mutex_lock(&cache->lock);
	while (cache->oldest != NULL)
		drop(cache, cache->oldest);
	pthread_mutex_unlock(&cache->lock);
}

void
cache_free(struct cache **cache)
{
	if (*cache == NULL)
		return;
	cache_clear(*cache);
	pthread_mutex_destroy(&(*cache)->lock);
	mem_free(cache);
}
