/*
 * A growable byte string with a maximum given at its start. It is always
 * NUL-terminated behind its length, so that text can be passed on as it is.
 *
 * Growing past the maximum drops what does not fit and sets a flag that
 * stays: write the whole text, then ask str_is_full() once.
 *
 *	struct str s;
 *	str_init(&s, pool, 4096);
 *	str_puts(&s, "hello ");
 *	str_printf(&s, "%d", 42);
 *	if (str_is_full(&s))
 *		return err_set(err, E_TOOBIG, "greeting too long");
 *
 * With a pool the memory belongs to the pool and nothing is freed; with NULL
 * it is heap memory, to be given back by str_release().
 */
#ifndef COMMON_BASE_STR_H
#define COMMON_BASE_STR_H

#include <stdarg.h>

struct pool;

struct str {
	char *p; /* never NULL after str_init() */
	size_t len;
	size_t size; /* of the memory at p */
	size_t max;  /* of len */
	bool full;
	struct pool *pool;
};

/* An empty string that may grow to max bytes. */
void str_init(struct str *s, struct pool *pool, size_t max);

/* Frees heap memory; the string must be initialised anew before use. */
void str_release(struct str *s);

/* Empties the string and its flag; the memory stays. */
void str_clear(struct str *s);

/* Appends n bytes, a text, one byte, formatted text. */
void str_add(struct str *s, const void *p, size_t n);
void str_puts(struct str *s, const char *text);
void str_putc(struct str *s, char c);
void str_printf(struct str *s, const char *format, ...) PRINTF_LIKE(2, 3);
void str_vprintf(struct str *s, const char *format, va_list args)
    PRINTF_LIKE(2, 0);

/* Did something not fit since the start or the last clear? */
bool str_is_full(const struct str *s);

#endif
