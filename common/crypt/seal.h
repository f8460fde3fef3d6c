/*
 * Secrets sealed for storage in rows: AES-256-GCM under a key derived (HKDF,
 * SHA-256) from the cluster key and the purpose, fresh random nonce, purpose
 * and context bound as additional data, one version byte in front.
 */
#ifndef COMMON_CRYPT_SEAL_H
#define COMMON_CRYPT_SEAL_H

struct err;
struct pool;

#define SEAL_KEY_SIZE    32
#define SEAL_SECRET_MAX  ((size_t)1 << 20)
#define SEAL_PURPOSE_MAX 64

/*
 * context ties the secret to its row, e.g. the key id: it cannot be moved.
 * A longer secret or purpose is a bug.
 */
int seal(struct pool *pool, const unsigned char key[SEAL_KEY_SIZE],
    const char *purpose, const char *context, const void *p, size_t n,
    unsigned char **out, size_t *len_out, struct err *err);

/* E_INVALID if key, purpose or context differ or a byte was changed. */
int seal_open(struct pool *pool, const unsigned char key[SEAL_KEY_SIZE],
    const char *purpose, const char *context, const void *p, size_t n,
    unsigned char **out, size_t *len_out, struct err *err);

#endif
