/*
 * A bounded cache of immutable values by a 32-byte key (a digest), shared by
 * the threads of one process; least recently used values go first. It holds
 * what was proven once (a verified token, a checked password, the bytes of a
 * digest), never whether something exists: only the database knows that.
 */
#ifndef FCGI_CORE_CACHE_H
#define FCGI_CORE_CACHE_H

struct cache;
struct pool;

#define CACHE_KEY_SIZE 32

/* At most max_bytes of values (with their bookkeeping); 0: keeps nothing. */
struct cache *cache_new(size_t max_bytes);
void cache_free(struct cache **cache);

/* A copy of the value in the pool, or NULL. Expired values are not found. */
void *cache_get(struct cache *cache, const unsigned char key[CACHE_KEY_SIZE],
    struct pool *pool, size_t *n_out);

/*
 * Keeps a copy of n bytes until expires_us (monotonic clock; 0: no end).
 * Values over a quarter of the maximum are not kept. Values are wiped when
 * they leave.
 */
void cache_put(struct cache *cache, const unsigned char key[CACHE_KEY_SIZE],
    const void *p, size_t n, int64_t expires_us);

void cache_clear(struct cache *cache);

#endif
