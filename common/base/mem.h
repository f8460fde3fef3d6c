/*
 * Heap memory for what outlives a request. Running out of memory ends the
 * process: sizes that come from outside are checked against their maximum
 * before they get here. What dies with a request lives in its pool (pool.h).
 */
#ifndef COMMON_BASE_MEM_H
#define COMMON_BASE_MEM_H

/* n zeroed bytes, n > 0; never NULL. Free with mem_free(). */
void *mem_new(size_t n) __attribute__((malloc, returns_nonnull));

/* count zeroed items of size bytes each; the product is checked. */
void *mem_array(size_t count, size_t size)
    __attribute__((malloc, returns_nonnull));

/* Like realloc() to count items; new bytes are not zeroed. */
void *mem_grow(void *p, size_t count, size_t size)
    __attribute__((returns_nonnull));

char *mem_strdup(const char *s) __attribute__((malloc, returns_nonnull));

/* Frees *p and sets it to NULL. Accepts a pointer to a NULL pointer. */
#define mem_free(p) \
	do { \
		free(*(p)); \
		*(p) = NULL; \
	} while (0)

/* Overwrites a secret; the compiler cannot drop it. */
void mem_wipe(void *p, size_t n);

/* Compares n bytes in a time that depends on n alone. */
bool mem_equal_secret(const void *a, const void *b, size_t n);

#endif
