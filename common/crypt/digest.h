/*
 * SHA-256 and SHA-512 over bytes as they arrive, with a state that can be
 * stored in a row so that another process goes on (an upload continues on
 * any replica).
 */
#ifndef COMMON_CRYPT_DIGEST_H
#define COMMON_CRYPT_DIGEST_H

struct err;

enum digest_algorithm {
	DIGEST_SHA256,
	DIGEST_SHA512,
};

#define DIGEST_SHA256_SIZE 32
#define DIGEST_SHA512_SIZE 64
#define DIGEST_SIZE_MAX    64

/* One-shot; out has room for the algorithm's size. Cannot fail. */
void digest_of(enum digest_algorithm algorithm, const void *p, size_t n,
    unsigned char *out);
size_t digest_size(enum digest_algorithm algorithm);

struct digest;

/* A new computation on the heap; free with digest_free(). Never NULL. */
struct digest *digest_new(enum digest_algorithm algorithm);
void digest_free(struct digest **digest);
void digest_add(struct digest *digest, const void *p, size_t n);
/* The digest of all bytes so far; the computation may go on afterwards. */
void digest_get(const struct digest *digest, unsigned char *out);

/*
 * The state as bytes for a row, with a version tag in front. Only for
 * SHA-256, whose state is a plain structure in OpenSSL's low-level API (one
 * file uses it, with the deprecation warning off).
 */
#define DIGEST_STATE_SIZE_MAX 160
size_t digest_save(
    const struct digest *digest, unsigned char state[DIGEST_STATE_SIZE_MAX]);

/*
 * A computation that goes on from a saved state; NULL when the tag or the
 * size is unknown (another build): the caller hashes again from the start.
 */
struct digest *digest_load(const unsigned char *state, size_t n);

/* HMAC-SHA-256 (RFC 2104), 32 bytes. */
void digest_hmac(const void *key, size_t key_size, const void *p, size_t n,
    unsigned char out[DIGEST_SHA256_SIZE]);

#endif
