/*
 * P-256 keys: make, read, write, sign and verify (ECDSA with SHA-256, the
 * signature as r || s of 64 bytes, RFC 7518 section 3.4).
 */
#ifndef COMMON_CRYPT_KEY_H
#define COMMON_CRYPT_KEY_H

struct err;
struct pool;

struct key; /* a private or a public key; usable from several threads */

#define KEY_SIGNATURE_SIZE 64

/* A new private key. Free with key_free(). */
int key_new(struct key **out, struct err *err);
void key_free(struct key **key);

/* PKCS#8 DER of a private key, in wiped pool memory. */
int key_put_private(const struct key *key, struct pool *pool,
    unsigned char **der_out, size_t *len_out, struct err *err);
/* E_INVALID unless it is a P-256 private key. */
int key_parse_private(
    struct key **out, const unsigned char *der, size_t n, struct err *err);

int key_sign(const struct key *key, const void *p, size_t n,
    unsigned char signature[KEY_SIGNATURE_SIZE], struct err *err);

/* 1 valid, 0 not valid, < 0 could not find out. */
int key_verify(const struct key *key, const void *p, size_t n,
    const unsigned char signature[KEY_SIGNATURE_SIZE], struct err *err);

/* JWK members x and y as base64url, and the RFC 7638 thumbprint as kid. */
int key_jwk(const struct key *key, struct pool *pool, const char **x_out,
    const char **y_out, const char **thumbprint_out, struct err *err);

#endif
