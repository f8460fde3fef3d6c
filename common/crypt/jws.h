/*
 * JSON web signatures in compact form (RFC 7515), ES256 only. "none" and
 * every other algorithm are refused before anything else is looked at.
 */
#ifndef COMMON_CRYPT_JWS_H
#define COMMON_CRYPT_JWS_H

struct err;
struct key;
struct pool;

#define JWS_SIZE_MAX ((size_t)8 << 10)

/*
 * Signs payload. The header has typ JWT, alg ES256, kid and, unless
 * x5c is NULL, x5c with this one certificate (plain base64 DER). E_TOOBIG
 * if the header passes JWS_SIZE_MAX; the whole may: the caller looks.
 */
int jws_sign(struct pool *pool, const struct key *key, const char *kid,
    const char *x5c, const char *payload, size_t n, char **out,
    struct err *err);

/* A parsed but NOT yet verified signature. */
struct jws {
	const char *kid;
	const char *payload; /* decoded, n bytes and a NUL */
	size_t payload_size;
	const char *signed_text; /* header.payload as sent */
	size_t signed_size;
	unsigned char signature[64];
};

/*
 * Splits, decodes and strictly checks the three parts (at most JWS_SIZE_MAX
 * bytes). E_UNAUTH for anything malformed, another alg, "crit", or no kid.
 * *out points into text.
 */
int jws_parse(
    struct jws *out, struct pool *pool, const char *text, struct err *err);

/* 1 the signature is key's, 0 it is not, < 0 could not find out. */
int jws_verify(const struct jws *jws, const struct key *key, struct err *err);

#endif
