/*
 * Signs registry tokens with the key that is valid now. The key is read
 * again every few seconds, so a rotation needs no restart.
 */
#ifndef FCGI_GARANT_SIGNER_H
#define FCGI_GARANT_SIGNER_H

struct conf;
struct err;
struct pool;

/* Reads the cluster key; the signing key is read when first needed. */
int signer_start(const struct conf *conf, struct err *err);
void signer_stop(void);

/* From the tick: reads the signing key anew when it is time to. */
void signer_refresh(void);

/* Is there a key? For /readyz. */
int signer_check(struct err *err);

/* Signs a payload; the header carries kid and x5c. */
int signer_sign(struct pool *pool, const char *payload, size_t n, char **out,
    struct err *err);

#endif
