#include "common/base/base.h"
#include "common/base/mem.h"

static NORETURN void
out_of_memory(size_t count, size_t size)
{
	fprintf(stderr, "{\"level\":\"fatal\",\"event\":\"out_of_memory\","
			"\"count\":%zu,\"size\":%zu}\n",
	    count, size);
	abort();
}

void *
mem_array(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (p == NULL)
		out_of_memory(count, size);
	return p;
}

void *
mem_new(size_t n)
{
	return mem_array(1, n);
}

void *
mem_grow(void *p, size_t count, size_t size)
{
	void *grown = reallocarray(p, count, size);

	if (grown == NULL)
		out_of_memory(count, size);
	return grown;
}

char *
mem_strdup(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(mem_new(n), s, n);
}

void
mem_wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}

bool
mem_equal_secret(const void *a, const void *b, size_t n)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char different = 0;

	for (size_t i = 0; i < n; i++)
		different |= x[i] ^ y[i];
	return different == 0;
}
