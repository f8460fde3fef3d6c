/*
 * A limit on the rate of requests, shared by all processes of a program: for
 * each key (an account, an address) so many a second, and a burst at once.
 * Keys share a fixed table; two that meet there by chance share a limit.
 */
#ifndef FCGI_CORE_RATE_H
#define FCGI_CORE_RATE_H

struct err;
struct rand_id;
struct req;

/* Once in the master, before its first fork. */
void rate_init(void);

/*
 * Counts one request of the key. false: over the limit; *wait_s_out says
 * after how many seconds the next one passes, at least 1. per_second > 0,
 * burst > 0.
 */
bool rate_allow(const void *key, size_t n, int64_t per_second, int64_t burst,
    int64_t *wait_s_out);

/*
 * Counts a request once it is known whose it is: of this account, or if that
 * is NULL of its address (IPv6: the first 64 bits). rc is what came out: 0, or
 * the error in err, e.g. of a bad token. Returns it, or E_LIMIT with
 * Retry-After set. per_second 0: there is no limit.
 */
int rate_check(struct req *req, int rc, const struct rand_id *account,
    int64_t per_second, int64_t burst, struct err *err);

#endif
