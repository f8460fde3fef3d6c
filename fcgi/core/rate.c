#include "common/base/base.h"
#include "fcgi/core/rate.h"

#include <stdatomic.h>
#include <sys/mman.h>

#include "common/base/address.h"
#include "common/base/err.h"
#include "common/base/rand.h"
#include "common/base/time.h"
#include "fcgi/core/req.h"

#define SLOTS ((size_t)65536)

/*
 * One number a key is enough (GCRA, as ATM Forum's traffic management names
 * it): when the key would have used up what it got. Requests move it ahead by
 * their share of a second; it may run ahead of the clock by the burst.
 */
static struct rate_table {
	uint64_t seed;
	atomic_int_fast64_t used_until_us[SLOTS];
} *rate_table;

void
rate_init(void)
{
	rate_table = mmap(NULL, sizeof(*rate_table), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(rate_table != MAP_FAILED);
	rand_bytes(&rate_table->seed, sizeof(rate_table->seed));
}

/* FNV-1a, seeded: nobody outside knows which keys meet */
static size_t
slot_of(const unsigned char *key, size_t n)
{
	uint64_t h = UINT64_C(14695981039346656037) ^ rate_table->seed;

	for (size_t i = 0; i < n; i++)
		h = (h ^ key[i]) * UINT64_C(1099511628211);
	return (size_t)((h ^ h >> 32) % SLOTS);
}

bool
rate_allow(const void *key, size_t n, int64_t per_second, int64_t burst,
    int64_t *wait_s_out)
{
	atomic_int_fast64_t *slot =
	    &rate_table->used_until_us[slot_of(key, n)];
	int64_t share_us = TIME_SECOND / per_second;
	int64_t now = time_monotonic_us();
	int_fast64_t used = atomic_load(slot);

	for (;;) {
		int64_t from = used > now ? (int64_t)used : now;
		int64_t ahead = from + share_us - now;

		if (ahead > share_us * burst) {
			*wait_s_out = 1 +
			    (ahead - share_us * burst) / TIME_SECOND;
			return false;
		}
		if (atomic_compare_exchange_weak(slot, &used, from + share_us))
			return true;
	}
}

static bool
allow(const struct req *req, const struct rand_id *account, int64_t per_second,
    int64_t burst, int64_t *wait_s_out)
{
	char home[ADDRESS_SIZE];

	if (account != NULL)
		return rate_allow(account->bytes, sizeof(account->bytes),
		    per_second, burst, wait_s_out);
	address_home(home, req->remote);
	return rate_allow(home, strlen(home), per_second, burst, wait_s_out);
}

int
rate_check(struct req *req, int rc, const struct rand_id *account,
    int64_t per_second, int64_t burst, struct err *err)
{
	int64_t wait_s;

	/* one that has to wait already is told how long; a fault of ours is
	 * nobody's request */
	if (per_second == 0 || rc == E_LIMIT || rc == E_BUSY ||
	    rc == E_INTERNAL || allow(req, account, per_second, burst, &wait_s))
		return rc;
	resp_printf(req, "Retry-After", "%" PRId64, wait_s);
	return err_set(err, E_LIMIT, "too many requests; try again later");
}
