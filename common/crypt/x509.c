#include "common/base/base.h"
#include "common/crypt/x509.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/mem.h"
#include "common/base/pool.h"
#include "common/base/rand.h"
#include "common/base/str.h"
#include "common/crypt/crypt_private.h"
#include "common/crypt/key.h"

#define NAMES_MAX 4096

static bool
add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;
	bool ok;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return ok;
}

static bool
is_address(const char *name)
{
	ASN1_OCTET_STRING *address = a2i_IPADDRESS(name);
	bool yes = address != NULL;

	ASN1_OCTET_STRING_free(address);
	ERR_clear_error();
	return yes;
}

/* names come from an administrator; a comma would begin another item */
static bool
add_names(X509 *cert, const struct x509_request *request)
{
	struct str text;
	bool ok;

	if (request->name_count == 0)
		return true;
	str_init(&text, NULL, NAMES_MAX);
	for (size_t i = 0; i < request->name_count; i++) {
		const char *name = request->names[i];

		if (strpbrk(name, ",\n \"\\") != NULL) {
			str_release(&text);
			return false;
		}
		str_printf(&text, "%s%s:%s", i > 0 ? "," : "",
		    is_address(name) ? "IP" : "DNS", name);
	}
	ok = !str_is_full(&text) &&
	    add_extension(cert, NULL, NID_subject_alt_name, text.p);
	str_release(&text);
	return ok;
}

static bool
add_extensions(X509 *cert, X509 *issuer, const struct x509_request *request)
{
	bool ok = add_extension(
	    cert, issuer, NID_subject_key_identifier, "hash");

	if (issuer != cert)
		ok = ok &&
		    add_extension(cert, issuer,
			NID_authority_key_identifier, "keyid");
	switch (request->use) {
	case X509_AUTHORITY:
		ok = ok &&
		    add_extension(cert, issuer, NID_basic_constraints,
			"critical,CA:TRUE") &&
		    add_extension(cert, issuer, NID_key_usage,
			"critical,keyCertSign,cRLSign");
		break;
	case X509_SERVER:
		ok = ok &&
		    add_extension(cert, issuer, NID_basic_constraints,
			"critical,CA:FALSE") &&
		    add_extension(cert, issuer, NID_key_usage,
			"critical,digitalSignature") &&
		    add_extension(
			cert, issuer, NID_ext_key_usage, "serverAuth");
		break;
	case X509_SIGNING:
		/* verifiers of tokens want a chain that may sign */
		ok = ok &&
		    add_extension(cert, issuer, NID_basic_constraints,
			"critical,CA:TRUE") &&
		    add_extension(cert, issuer, NID_key_usage,
			"critical,digitalSignature,keyCertSign");
		break;
	}
	return ok && add_names(cert, request);
}

static bool
set_serial(X509 *cert)
{
	unsigned char bytes[16];
	BIGNUM *number;
	bool ok;

	rand_bytes(bytes, sizeof(bytes));
	bytes[0] &= 0x7f;
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	ok = number != NULL &&
	    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
	BN_free(number);
	return ok;
}

static bool
fill(X509 *cert, const struct x509_request *request, const struct key *key,
    X509 *issuer)
{
	X509_NAME *name = X509_get_subject_name(cert);

	return X509_set_version(cert, X509_VERSION_3) == 1 &&
	    set_serial(cert) &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), -3600) != NULL &&
	    X509_time_adj_ex(X509_getm_notAfter(cert), (int)request->days, 0,
		NULL) != NULL &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		(const unsigned char *)request->common_name, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1 &&
	    X509_set_pubkey(cert, key->pkey) == 1 &&
	    add_extensions(cert, issuer, request);
}

/* what a memory BIO holds, as pool memory */
static char *
take_text(struct pool *pool, BIO *bio, bool secret)
{
	char *p;
	long n = BIO_get_mem_data(bio, &p);
	char *text;

	ASSERT(n >= 0);
	if (!secret)
		return pool_memdup(pool, p, (size_t)n);
	text = pool_secret(pool, (size_t)n + 1);
	memcpy(text, p, (size_t)n);
	return text;
}

static X509 *
parse(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *cert = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL)
				 : NULL;

	BIO_free(bio);
	return cert;
}

int
x509_make(struct pool *pool, const struct x509_request *request,
    const struct key *key, const struct key *issuer_key,
    const char *issuer_pem, char **pem_out, struct err *err)
{
	X509 *cert = X509_new();
	X509 *issuer = issuer_pem != NULL ? parse(issuer_pem) : cert;
	BIO *bio = BIO_new(BIO_s_mem());
	const struct key *signing = issuer_key != NULL ? issuer_key : key;
	int rc = 0;

	if (cert != NULL && issuer != NULL && bio != NULL &&
	    fill(cert, request, key, issuer) &&
	    X509_sign(cert, signing->pkey, EVP_sha256()) > 0 &&
	    PEM_write_bio_X509(bio, cert) == 1)
		*pem_out = take_text(pool, bio, false);
	else
		rc = crypt_fault(err, "making a certificate");
	BIO_free(bio);
	if (issuer != cert)
		X509_free(issuer);
	X509_free(cert);
	return rc;
}

static int
not_a_certificate(struct err *err)
{
	ERR_clear_error();
	return err_set(err, E_INVALID, "not a certificate in PEM form");
}

int
x509_key(const char *pem, struct key **out, struct err *err)
{
	X509 *cert = parse(pem);
	EVP_PKEY *pkey = cert != NULL ? X509_get_pubkey(cert) : NULL;

	X509_free(cert);
	if (pkey == NULL)
		return not_a_certificate(err);
	if (!EVP_PKEY_is_a(pkey, "EC") || EVP_PKEY_get_bits(pkey) != 256) {
		EVP_PKEY_free(pkey);
		return err_set(
		    err, E_INVALID, "the certificate's key is not P-256");
	}
	*out = mem_new(sizeof(**out));
	(*out)->pkey = pkey;
	return 0;
}

int
x509_not_after(const char *pem, int64_t *seconds_out, struct err *err)
{
	X509 *cert = parse(pem);
	struct tm tm;
	bool ok = cert != NULL &&
	    ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) == 1;

	X509_free(cert);
	if (!ok)
		return not_a_certificate(err);
	*seconds_out = timegm(&tm);
	return 0;
}

int
x509_base64(struct pool *pool, const char *pem, char **out, struct err *err)
{
	X509 *cert = parse(pem);
	unsigned char *der = NULL;
	int n = cert != NULL ? i2d_X509(cert, &der) : -1;

	X509_free(cert);
	if (n <= 0)
		return not_a_certificate(err);
	*out = enc_base64(pool, der, (size_t)n);
	OPENSSL_free(der);
	return 0;
}

int
x509_key_pem(
    struct pool *pool, const struct key *key, char **pem_out, struct err *err)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	int rc = 0;

	if (bio != NULL &&
	    PEM_write_bio_PKCS8PrivateKey(
		bio, key->pkey, NULL, NULL, 0, NULL, NULL) == 1)
		*pem_out = take_text(pool, bio, true);
	else
		rc = crypt_fault(err, "writing a key");
	BIO_free(bio);
	return rc;
}

int
x509_parse_key_pem(const char *pem, struct key **out, struct err *err)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *pkey = bio != NULL
	    ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL)
	    : NULL;

	BIO_free(bio);
	if (pkey == NULL) {
		ERR_clear_error();
		return err_set(
		    err, E_INVALID, "not a private key in PEM form");
	}
	*out = mem_new(sizeof(**out));
	(*out)->pkey = pkey;
	return 0;
}
