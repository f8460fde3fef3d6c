/*
 * Range and Content-Range: an input is the size of the resource, a newline
 * and the header. What is accepted lies within and has one canonical form.
 */
#include "common/base/base.h"
#include "tests/fuzz/fuzz.h"

#include "common/base/num.h"
#include "common/base/pool.h"
#include "fcgi/core/range.h"

static void
check_range(struct pool *pool, const char *header, uint64_t size)
{
	struct range range = { 0, 0 }, again = { 0, 0 };
	enum range_result result = range_parse(&range, header, size);

	if (result != RANGE_ONE)
		return;
	ASSERT(range.first <= range.last && range.last < size);
	ASSERT(range_parse(&again,
		   pool_printf(pool, "bytes=%" PRIu64 "-%" PRIu64, range.first,
		       range.last),
		   size) == RANGE_ONE);
	ASSERT(again.first == range.first && again.last == range.last);
	/* of a resource that ends before it, it is not to be had */
	ASSERT(range_parse(&again,
		   pool_printf(pool, "bytes=%" PRIu64 "-", range.first),
		   range.first) == RANGE_UNSATISFIABLE);
}

static bool
parse_content(struct range *out, struct pool *pool, const char *start,
    const struct range *range, uint64_t total)
{
	return range_parse_content(out,
	    pool_printf(pool, "%s%" PRIu64 "-%" PRIu64 "/%" PRIu64, start,
		range->first, range->last, total));
}

static void
check_content(struct pool *pool, const char *header)
{
	struct range range = { 0, 0 }, again = { 0, 0 };

	if (!range_parse_content(&range, header))
		return;
	ASSERT(range.first <= range.last && range.last <= INT64_MAX);
	ASSERT(range_parse_content(&again,
	    pool_printf(
		pool, "%" PRIu64 "-%" PRIu64, range.first, range.last)));
	ASSERT(again.first == range.first && again.last == range.last);
	ASSERT(!parse_content(&again, pool, "", &range, range.last));
	if (range.last == INT64_MAX)
		return;
	ASSERT(parse_content(&again, pool, "bytes ", &range, range.last + 1));
	ASSERT(again.first == range.first && again.last == range.last);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pool *pool = pool_new((size_t)64 << 20);
	char *text = pool_memdup(pool, data, n);
	size_t digits = strcspn(text, "\n");
	uint64_t size;

	if (text[digits] == '\n' &&
	    num_parse_u64(text, digits, UINT64_MAX, &size)) {
		check_range(pool, text + digits + 1, size);
		check_content(pool, text + digits + 1);
	}
	pool_free(&pool);
	return 0;
}
