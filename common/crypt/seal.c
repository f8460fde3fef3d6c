#include "common/base/base.h"
#include "common/crypt/seal.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/core_names.h>

#include "common/base/err.h"
#include "common/base/mem.h"
#include "common/base/pool.h"
#include "common/base/rand.h"
#include "common/crypt/crypt_private.h"

#define SEAL_VERSION 1
#define NONCE_SIZE   12
#define TAG_SIZE     16
#define OVERHEAD     (1 + NONCE_SIZE + TAG_SIZE)

static bool
derive(const unsigned char *key, const char *purpose, unsigned char *out)
{
	char digest[] = "SHA256";
	char info[SEAL_PURPOSE_MAX + 8];
	unsigned char copy[SEAL_KEY_SIZE];
	OSSL_PARAM params[4];
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
	bool ok;

	ASSERT(strlen(purpose) <= SEAL_PURPOSE_MAX);
	snprintf(info, sizeof(info), "dtr %s", purpose);
	memcpy(copy, key, sizeof(copy));
	params[0] =
	    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
	params[1] = OSSL_PARAM_construct_octet_string(
	    OSSL_KDF_PARAM_KEY, copy, sizeof(copy));
	params[2] = OSSL_PARAM_construct_octet_string(
	    OSSL_KDF_PARAM_INFO, info, strlen(info));
	params[3] = OSSL_PARAM_construct_end();
	ok =
	    ctx != NULL && EVP_KDF_derive(ctx, out, SEAL_KEY_SIZE, params) == 1;
	mem_wipe(copy, sizeof(copy));
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ok;
}

/* purpose with its NUL, so that it cannot run into the context */
static bool
bind_data(EVP_CIPHER_CTX *ctx, const char *purpose, const char *context)
{
	int n;

	return EVP_CipherUpdate(ctx, NULL, &n, (const unsigned char *)purpose,
		   (int)strlen(purpose) + 1) == 1 &&
	    EVP_CipherUpdate(ctx, NULL, &n, (const unsigned char *)context,
		(int)strlen(context)) == 1;
}

int
seal(struct pool *pool, const unsigned char key[SEAL_KEY_SIZE],
    const char *purpose, const char *context, const void *p, size_t n,
    unsigned char **out, size_t *len_out, struct err *err)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned char derived[SEAL_KEY_SIZE];
	unsigned char *sealed;
	int size, rest;
	bool ok;

	ASSERT(n <= SEAL_SECRET_MAX);
	sealed = pool_alloc(pool, n + OVERHEAD);
	sealed[0] = SEAL_VERSION;
	rand_bytes(sealed + 1, NONCE_SIZE);
	ok = ctx != NULL && derive(key, purpose, derived) &&
	    EVP_CipherInit_ex2(
		ctx, EVP_aes_256_gcm(), derived, sealed + 1, 1, NULL) == 1 &&
	    bind_data(ctx, purpose, context) &&
	    EVP_CipherUpdate(ctx, sealed + 1 + NONCE_SIZE, &size, p, (int)n) ==
		1 &&
	    EVP_CipherFinal_ex(ctx, sealed + 1 + NONCE_SIZE + size, &rest) ==
		1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE,
		sealed + 1 + NONCE_SIZE + n) == 1;
	mem_wipe(derived, sizeof(derived));
	EVP_CIPHER_CTX_free(ctx);
	if (!ok)
		return crypt_fault(err, "sealing a secret");
	*out = sealed;
	*len_out = n + OVERHEAD;
	return 0;
}

int
seal_open(struct pool *pool, const unsigned char key[SEAL_KEY_SIZE],
    const char *purpose, const char *context, const void *p, size_t n,
    unsigned char **out, size_t *len_out, struct err *err)
{
	const unsigned char *sealed = p;
	unsigned char derived[SEAL_KEY_SIZE], tag[TAG_SIZE];
	EVP_CIPHER_CTX *ctx;
	unsigned char *secret;
	int size, rest;
	bool ready, whole;

	if (n < OVERHEAD || n - OVERHEAD > SEAL_SECRET_MAX ||
	    sealed[0] != SEAL_VERSION)
		return err_set(err, E_INVALID, "not a sealed secret");
	ctx = EVP_CIPHER_CTX_new();
	memcpy(tag, sealed + n - TAG_SIZE, TAG_SIZE);
	secret = pool_secret(pool, n - OVERHEAD + 1);
	ready = ctx != NULL && derive(key, purpose, derived) &&
	    EVP_CipherInit_ex2(
		ctx, EVP_aes_256_gcm(), derived, sealed + 1, 0, NULL) == 1 &&
	    bind_data(ctx, purpose, context) &&
	    EVP_CipherUpdate(ctx, secret, &size, sealed + 1 + NONCE_SIZE,
		(int)(n - OVERHEAD)) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1;
	whole = ready && EVP_CipherFinal_ex(ctx, secret + size, &rest) == 1;
	mem_wipe(derived, sizeof(derived));
	EVP_CIPHER_CTX_free(ctx);
	if (!ready)
		return crypt_fault(err, "opening a sealed secret");
	ERR_clear_error();
	if (!whole)
		return err_set(err, E_INVALID,
		    "the sealed secret does not open with this cluster key");
	*out = secret;
	*len_out = n - OVERHEAD;
	return 0;
}
