/*
 * SHA-256 uses OpenSSL's low-level interface, deprecated but kept: only its
 * plain structure can be stored in a row. Both interfaces run the same code.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "common/base/base.h"
#include "common/crypt/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "common/base/mem.h"

/* changes with the layout of what is stored: version and byte order */
static const unsigned char state_tag[4] = { 'S', '2', 1,
	__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 'l' : 'b' };

struct digest {
	enum digest_algorithm algorithm;
	union {
		SHA256_CTX sha256;
		SHA512_CTX sha512;
	};
};

_Static_assert(sizeof(state_tag) + sizeof(SHA256_CTX) <= DIGEST_STATE_SIZE_MAX,
    "the saved state fits its column");

size_t
digest_size(enum digest_algorithm algorithm)
{
	return algorithm == DIGEST_SHA256 ? DIGEST_SHA256_SIZE
					  : DIGEST_SHA512_SIZE;
}

static void
start(struct digest *digest, enum digest_algorithm algorithm)
{
	digest->algorithm = algorithm;
	if (algorithm == DIGEST_SHA256)
		SHA256_Init(&digest->sha256);
	else
		SHA512_Init(&digest->sha512);
}

static void
finish(struct digest *digest, unsigned char *out)
{
	if (digest->algorithm == DIGEST_SHA256)
		SHA256_Final(out, &digest->sha256);
	else
		SHA512_Final(out, &digest->sha512);
}

void
digest_of(enum digest_algorithm algorithm, const void *p, size_t n,
    unsigned char *out)
{
	/* not SHA256(), which looks for an implementation at each call */
	struct digest digest;

	start(&digest, algorithm);
	digest_add(&digest, p, n);
	finish(&digest, out);
}

struct digest *
digest_new(enum digest_algorithm algorithm)
{
	struct digest *digest = mem_new(sizeof(*digest));

	start(digest, algorithm);
	return digest;
}

void
digest_free(struct digest **digest)
{
	mem_free(digest);
}

void
digest_add(struct digest *digest, const void *p, size_t n)
{
	if (digest->algorithm == DIGEST_SHA256)
		SHA256_Update(&digest->sha256, p, n);
	else
		SHA512_Update(&digest->sha512, p, n);
}

void
digest_get(const struct digest *digest, unsigned char *out)
{
	struct digest copy = *digest;

	finish(&copy, out);
}

size_t
digest_save(
    const struct digest *digest, unsigned char state[DIGEST_STATE_SIZE_MAX])
{
	ASSERT(digest->algorithm == DIGEST_SHA256);
	memcpy(state, state_tag, sizeof(state_tag));
	memcpy(
	    state + sizeof(state_tag), &digest->sha256, sizeof(digest->sha256));
	return sizeof(state_tag) + sizeof(digest->sha256);
}

struct digest *
digest_load(const unsigned char *state, size_t n)
{
	struct digest *digest;

	if (n != sizeof(state_tag) + sizeof(SHA256_CTX) ||
	    memcmp(state, state_tag, sizeof(state_tag)) != 0)
		return NULL;
	digest = digest_new(DIGEST_SHA256);
	memcpy(
	    &digest->sha256, state + sizeof(state_tag), sizeof(digest->sha256));
	/* num is used as an index into the buffer: bytes of its last block */
	if (digest->sha256.num != digest->sha256.Nl / 8 % SHA256_CBLOCK ||
	    digest->sha256.md_len != SHA256_DIGEST_LENGTH)
		digest_free(&digest);
	return digest;
}

void
digest_hmac(const void *key, size_t key_size, const void *p, size_t n,
    unsigned char out[DIGEST_SHA256_SIZE])
{
	unsigned size = DIGEST_SHA256_SIZE;

	ASSERT(key_size <= INT_MAX);
	ASSERT(
	    HMAC(EVP_sha256(), key, (int)key_size, p, n, out, &size) != NULL);
}
