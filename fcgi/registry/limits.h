/*
 * Limits that the administrator sets for all replicas (dtr setting): rate of
 * requests, uploads of one account, size of a blob, read-only mode. And one of
 * the process: threads that send large blobs themselves.
 */
#ifndef FCGI_REGISTRY_LIMITS_H
#define FCGI_REGISTRY_LIMITS_H

struct err;
struct req;

/* rate_check(), by the identity that the request has or not. */
int limits_check_rate(struct req *req, int rc, struct err *err);

/* E_DENIED, reason DENIED, while the registry is read-only. */
int limits_check_writable(struct err *err);

/* May he begin another upload? E_LIMIT with Retry-After set. */
int limits_check_upload(struct req *req, struct err *err);

/* E_TOOBIG, reason SIZE_INVALID, when a blob of size bytes is too large. */
int limits_check_size(uint64_t size, struct err *err);

/*
 * Before and after this process sends a blob that a web server could send, as
 * slowly as the client reads: half of the threads stay free of that.
 * E_LIMIT with Retry-After set.
 */
int limits_take_sender(struct req *req, struct err *err);
void limits_give_sender(void);

#endif
