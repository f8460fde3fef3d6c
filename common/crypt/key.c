#include "common/base/base.h"
#include "common/crypt/key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/mem.h"
#include "common/base/pool.h"
#include "common/crypt/crypt_private.h"
#include "common/crypt/digest.h"

#define HALF (KEY_SIGNATURE_SIZE / 2)

int
crypt_fault(struct err *err, const char *what)
{
	char text[256];
	unsigned long number = ERR_peek_error();

	err_set(err, E_INTERNAL, "%s failed", what);
	if (number == 0)
		return err->code;
	ERR_error_string_n(number, text, sizeof(text));
	ERR_clear_error();
	return err_cause(err, "%s", text);
}

struct key *
crypt_wrap(EVP_PKEY *pkey)
{
	struct key *key = mem_new(sizeof(*key));

	key->pkey = pkey;
	return key;
}

int
key_new(struct key **out, struct err *err)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");

	if (pkey == NULL)
		return crypt_fault(err, "making a key");
	*out = crypt_wrap(pkey);
	return 0;
}

void
key_free(struct key **key)
{
	if (*key != NULL)
		EVP_PKEY_free((*key)->pkey);
	mem_free(key);
}

int
key_put_private(const struct key *key, struct pool *pool,
    unsigned char **der_out, size_t *len_out, struct err *err)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->pkey);
	unsigned char *der = NULL;
	int n = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;

	PKCS8_PRIV_KEY_INFO_free(info);
	if (n <= 0)
		return crypt_fault(err, "writing a key");
	*len_out = (size_t)n;
	*der_out = pool_secret(pool, (size_t)n);
	memcpy(*der_out, der, (size_t)n);
	OPENSSL_clear_free(der, (size_t)n);
	return 0;
}

bool
crypt_is_p256(const EVP_PKEY *pkey)
{
	char group[32];

	return EVP_PKEY_is_a(pkey, "EC") &&
	    EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME,
		group, sizeof(group), NULL) == 1 &&
	    strcmp(group, "prime256v1") == 0;
}

int
key_parse_private(
    struct key **out, const unsigned char *der, size_t n, struct err *err)
{
	const unsigned char *p = der;
	EVP_PKEY *pkey = NULL;

	if (n <= LONG_MAX)
		pkey = d2i_AutoPrivateKey(NULL, &p, (long)n);
	if (pkey == NULL || p != der + n || !crypt_is_p256(pkey)) {
		EVP_PKEY_free(pkey);
		ERR_clear_error();
		return err_set(err, E_INVALID, "not a P-256 private key");
	}
	*out = crypt_wrap(pkey);
	return 0;
}

/* DER's SEQUENCE of two INTEGERs and back to r || s */
static bool
to_raw(const unsigned char *der, size_t n, unsigned char *raw)
{
	const unsigned char *p = der;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)n);
	bool ok = sig != NULL &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, HALF) == HALF &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + HALF, HALF) == HALF;

	ECDSA_SIG_free(sig);
	return ok;
}

static int
to_der(const unsigned char *raw, unsigned char **der)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, HALF, NULL);
	BIGNUM *s = BN_bin2bn(raw + HALF, HALF, NULL);
	int n = -1;

	if (sig != NULL && r != NULL && s != NULL &&
	    ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL;
		n = i2d_ECDSA_SIG(sig, der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return n;
}

int
key_sign(const struct key *key, const void *p, size_t n,
    unsigned char signature[KEY_SIGNATURE_SIZE], struct err *err)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char der[128];
	size_t size = sizeof(der);
	bool ok = ctx != NULL &&
	    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) == 1 &&
	    EVP_DigestSign(ctx, der, &size, p, n) == 1 &&
	    to_raw(der, size, signature);

	EVP_MD_CTX_free(ctx);
	return ok ? 0 : crypt_fault(err, "signing");
}

int
key_verify(const struct key *key, const void *p, size_t n,
    const unsigned char signature[KEY_SIGNATURE_SIZE], struct err *err)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *der = NULL;
	int size = to_der(signature, &der);
	int good = -1;

	if (ctx != NULL && size > 0 &&
	    EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) == 1)
		good = EVP_DigestVerify(ctx, der, (size_t)size, p, n);
	EVP_MD_CTX_free(ctx);
	OPENSSL_free(der);
	if (good < 0)
		return crypt_fault(err, "verifying a signature");
	/* a wrong signature leaves an error, too */
	ERR_clear_error();
	return good == 1 ? 1 : 0;
}

static bool
coordinate(
    const EVP_PKEY *pkey, const char *name, struct pool *pool, const char **out)
{
	unsigned char bytes[HALF];
	BIGNUM *number = NULL;
	bool ok = EVP_PKEY_get_bn_param(pkey, name, &number) == 1 &&
	    BN_bn2binpad(number, bytes, HALF) == HALF;

	BN_free(number);
	if (ok)
		*out = enc_base64url(pool, bytes, sizeof(bytes));
	return ok;
}

int
key_jwk(const struct key *key, struct pool *pool, const char **x_out,
    const char **y_out, const char **thumbprint_out, struct err *err)
{
	unsigned char digest[DIGEST_SHA256_SIZE];
	const char *canonical;

	if (!coordinate(key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, pool, x_out) ||
	    !coordinate(key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, pool, y_out))
		return crypt_fault(err, "reading a public key");
	/* RFC 7638 section 3.2: required members, in order, no space */
	canonical = pool_printf(pool,
	    "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
	    *x_out, *y_out);
	digest_of(DIGEST_SHA256, canonical, strlen(canonical), digest);
	*thumbprint_out = enc_base64url(pool, digest, sizeof(digest));
	return 0;
}
