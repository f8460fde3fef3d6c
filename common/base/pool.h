/*
 * A pool owns all memory of one request (or of one start-up): allocate as you
 * go, free nothing, free the pool. What needs more than memory given back, a
 * descriptor or a database connection, registers a function with
 * pool_on_free().
 *
 * Memory is zeroed, and what was in it is overwritten before it is given back
 * or used again: a request's memory has passwords in places that only a parser
 * knows. A pool is not shared between threads.
 *
 * Every pool has a ceiling. To pass it is a bug, since each thing that a
 * stranger can make large has a smaller maximum of its own; it aborts.
 */
#ifndef COMMON_BASE_POOL_H
#define COMMON_BASE_POOL_H

#include <stdarg.h>

struct pool;

/* A new empty pool of at most ceiling bytes. Free with pool_free(). */
struct pool *pool_new(size_t ceiling) MUST_CHECK;

/* Runs the registered functions, newest first, frees all, sets *pool NULL. */
void pool_free(struct pool **pool);

/*
 * Empties the pool as pool_free() does but keeps it and its first block, so
 * that a thread serves request after request without the heap.
 */
void pool_clear(struct pool *pool);

/* n zeroed bytes, aligned for any type; n may be 0. Never NULL. */
void *pool_alloc(struct pool *pool, size_t n)
    __attribute__((malloc, returns_nonnull));

/* count zeroed items of size bytes each; the product is checked. */
void *pool_array(struct pool *pool, size_t count, size_t size)
    __attribute__((malloc, returns_nonnull));

/* A copy of n bytes with a NUL behind it that is not counted. */
void *pool_memdup(struct pool *pool, const void *p, size_t n)
    __attribute__((malloc, returns_nonnull));

char *pool_strdup(struct pool *pool, const char *s)
    __attribute__((malloc, returns_nonnull));

char *pool_printf(struct pool *pool, const char *format, ...)
    PRINTF_LIKE(2, 3) __attribute__((malloc, returns_nonnull));

char *pool_vprintf(struct pool *pool, const char *format, va_list args)
    PRINTF_LIKE(2, 0) __attribute__((malloc, returns_nonnull));

/* Calls release(object) when the pool is cleared or freed, newest first. */
void pool_on_free(struct pool *pool, void (*release)(void *), void *object);

/* pool_alloc() of what is secret: it is not logged and not copied around. */
static inline void *
pool_secret(struct pool *pool, size_t n)
{
	return pool_alloc(pool, n);
}

/* Bytes handed out since the last clear. */
size_t pool_used(const struct pool *pool);

#endif
