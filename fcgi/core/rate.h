/*
 * A limit on the rate of requests, shared by all processes of a program: for
 * each key (an account, an address) so many a second, and a burst at once.
 * Keys share a fixed table; two that meet there by chance share a limit.
 */
#ifndef FCGI_CORE_RATE_H
#define FCGI_CORE_RATE_H

/* Once in the master, before its first fork. */
void rate_init(void);

/*
 * Counts one request of the key. false: over the limit; *wait_s_out says
 * after how many seconds the next one passes, at least 1. per_second > 0,
 * burst > 0.
 */
bool rate_allow(const void *key, size_t n, int64_t per_second, int64_t burst,
    int64_t *wait_s_out);

#endif
