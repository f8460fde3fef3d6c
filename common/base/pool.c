#include "common/base/base.h"
#include "common/base/pool.h"

#include "common/base/mem.h"

/*
 * Under AddressSanitizer memory that was not handed out is poisoned and a
 * gap follows each piece, so that an overrun is found as it is on the heap.
 */
#if defined(__SANITIZE_ADDRESS__)
# define POOL_IS_GUARDED 1
#elif defined(__has_feature)
# if __has_feature(address_sanitizer)
#  define POOL_IS_GUARDED 1
# endif
#endif

#define POOL_ALIGN _Alignof(max_align_t)
#ifdef POOL_IS_GUARDED
# include <sanitizer/asan_interface.h>
# define POOL_GAP POOL_ALIGN
#else
# define ASAN_POISON_MEMORY_REGION(p, n)
# define ASAN_UNPOISON_MEMORY_REGION(p, n)
# define POOL_GAP ((size_t)0)
#endif
#define POOL_FIRST_BLOCK ((size_t)8 << 10)
#define POOL_BLOCK ((size_t)32 << 10)

struct pool_block {
	struct pool_block *next;
	size_t size; /* of data */
	size_t used;
	max_align_t data[];
};

struct pool_release {
	struct pool_release *next;
	void (*release)(void *);
	void *object;
};

struct pool {
	struct pool_block *blocks; /* newest first, the first one last */
	struct pool_release *releases;
	size_t used;
	size_t ceiling;
};

static struct pool_block *
block_new(size_t size)
{
	struct pool_block *block = mem_new(sizeof(*block) + size);

	block->size = size;
	ASAN_POISON_MEMORY_REGION(block->data, size);
	return block;
}

struct pool *
pool_new(size_t ceiling)
{
	struct pool *pool = mem_new(sizeof(*pool));

	/* rounding up in pool_alloc() stays clear of the end of size_t */
	ASSERT(ceiling <= SIZE_MAX / 2);
	pool->ceiling = ceiling;
	pool->blocks = block_new(POOL_FIRST_BLOCK);
	return pool;
}

static void
run_releases(struct pool *pool)
{
	/* a release function may register another one */
	while (pool->releases != NULL) {
		struct pool_release *r = pool->releases;

		pool->releases = r->next;
		r->release(r->object);
	}
}

/* all that was used: nobody knows any more what of it was secret */
static void
block_wipe(struct pool_block *block)
{
	ASAN_UNPOISON_MEMORY_REGION(block->data, block->used);
	mem_wipe(block->data, block->used);
	block->used = 0;
}

void
pool_clear(struct pool *pool)
{
	struct pool_block *block;

	/* first: they may allocate, which adds blocks */
	run_releases(pool);
	block = pool->blocks;
	while (block->next != NULL) {
		struct pool_block *next = block->next;

		block_wipe(block);
		free(block);
		block = next;
	}
	block_wipe(block);
	ASAN_POISON_MEMORY_REGION(block->data, block->size);
	pool->blocks = block;
	pool->used = 0;
}

void
pool_free(struct pool **pool)
{
	if (*pool == NULL)
		return;
	pool_clear(*pool);
	free((*pool)->blocks);
	mem_free(pool);
}

void *
pool_alloc(struct pool *pool, size_t n)
{
	size_t size;
	struct pool_block *block = pool->blocks;
	void *p;

	ASSERT(n <= pool->ceiling && pool->used <= pool->ceiling - n);
	size = (n + POOL_ALIGN - 1) / POOL_ALIGN * POOL_ALIGN;
	pool->used += size;
	size += POOL_GAP;
	if (block->size - block->used < size) {
		block = block_new(size > POOL_BLOCK ? size : POOL_BLOCK);
		block->next = pool->blocks;
		pool->blocks = block;
	}
	p = (unsigned char *)block->data + block->used;
	block->used += size;
	ASAN_UNPOISON_MEMORY_REGION(p, n);
	return p;
}

void *
pool_array(struct pool *pool, size_t count, size_t size)
{
	size_t n;

	ASSERT(!__builtin_mul_overflow(count, size, &n));
	return pool_alloc(pool, n);
}

void *
pool_memdup(struct pool *pool, const void *p, size_t n)
{
	unsigned char *copy;

	ASSERT(n < SIZE_MAX);
	copy = pool_alloc(pool, n + 1);
	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}

char *
pool_strdup(struct pool *pool, const char *s)
{
	return pool_memdup(pool, s, strlen(s));
}

char *
pool_vprintf(struct pool *pool, const char *format, va_list args)
{
	va_list again;
	char *text;
	int n;

	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	ASSERT(n >= 0);
	text = pool_alloc(pool, (size_t)n + 1);
	vsnprintf(text, (size_t)n + 1, format, args);
	return text;
}

char *
pool_printf(struct pool *pool, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = pool_vprintf(pool, format, args);
	va_end(args);
	return text;
}

void
pool_on_free(struct pool *pool, void (*release)(void *), void *object)
{
	struct pool_release *r = pool_alloc(pool, sizeof(*r));

	r->release = release;
	r->object = object;
	r->next = pool->releases;
	pool->releases = r;
}

size_t
pool_used(const struct pool *pool)
{
	return pool->used;
}
