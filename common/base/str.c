#include "common/base/base.h"
#include "common/base/str.h"

#include "common/base/mem.h"
#include "common/base/pool.h"

#define STR_FIRST_SIZE ((size_t)64)

/* what an empty string points to; never written, since size is 0 */
static char empty[1];

void
str_init(struct str *s, struct pool *pool, size_t max)
{
	ASSERT(max < SIZE_MAX / 2);
	*s = (struct str){ .p = empty, .max = max, .pool = pool };
}

void
str_release(struct str *s)
{
	if (s->pool == NULL && s->size > 0)
		free(s->p);
	str_init(s, s->pool, s->max);
}

void
str_clear(struct str *s)
{
	s->len = 0;
	s->full = false;
	if (s->size > 0)
		s->p[0] = '\0';
}

/* room for n more bytes and the NUL; the caller has checked the maximum */
static void
reserve(struct str *s, size_t n)
{
	size_t need = s->len + n + 1;
	size_t size = s->size > 0 ? s->size : STR_FIRST_SIZE;

	if (need <= s->size)
		return;
	while (size < need)
		size *= 2;
	if (size > s->max + 1)
		size = s->max + 1;
	if (s->pool != NULL) {
		char *grown = pool_alloc(s->pool, size);

		memcpy(grown, s->p, s->len + 1);
		s->p = grown;
	} else {
		char *old = s->size > 0 ? s->p : NULL;

		s->p = mem_grow(old, size, 1);
		if (old == NULL)
			s->p[0] = '\0';
	}
	s->size = size;
}

void
str_add(struct str *s, const void *p, size_t n)
{
	if (n > s->max - s->len) {
		n = s->max - s->len;
		s->full = true;
	}
	if (n == 0)
		return;
	reserve(s, n);
	memcpy(s->p + s->len, p, n);
	s->len += n;
	s->p[s->len] = '\0';
}

void
str_puts(struct str *s, const char *text)
{
	str_add(s, text, strlen(text));
}

void
str_putc(struct str *s, char c)
{
	str_add(s, &c, 1);
}

void
str_vprintf(struct str *s, const char *format, va_list args)
{
	char small[256];
	va_list again;
	int n;

	va_copy(again, args);
	n = vsnprintf(small, sizeof(small), format, args);
	ASSERT(n >= 0);
	if ((size_t)n < sizeof(small)) {
		str_add(s, small, (size_t)n);
	} else {
		char *large = mem_new((size_t)n + 1);

		vsnprintf(large, (size_t)n + 1, format, again);
		str_add(s, large, (size_t)n);
		free(large);
	}
	va_end(again);
}

void
str_printf(struct str *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	str_vprintf(s, format, args);
	va_end(args);
}

bool
str_is_full(const struct str *s)
{
	return s->full;
}
