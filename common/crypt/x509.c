#include "common/base/base.h"
#include "common/crypt/x509.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/rand.h"
#include "common/base/str.h"
#include "common/crypt/crypt_private.h"
#include "common/crypt/key.h"

#define NAMES_MAX       4096 /* bytes, in the form OpenSSL reads */
#define DNS_NAME_MAX    253
#define COMMON_NAME_MAX 64
#define DAYS_MAX        36500
/* before now, for clocks that are late */
#define EARLY_S 3600

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
	/* OpenSSL's own reading takes "+1.2.3.4" and "1.2.3.4 x", too */
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, name, address) == 1 ||
	    inet_pton(AF_INET6, name, address) == 1;
}

/* "01.002.3.4": to some an address, to nobody a name */
static bool
ends_in_number(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot != NULL && dot[1] != '\0' &&
	    dot[1 + strspn(dot + 1, "0123456789")] == '\0';
}

/* no comma, which would begin another item, and "*" for wildcards */
static bool
is_dns_name(const char *name)
{
	size_t n = strspn(name,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789.-_*");

	return n > 0 && n <= DNS_NAME_MAX && name[n] == '\0' &&
	    !ends_in_number(name);
}

/* subjectAltName in the form OpenSSL reads */
static int
put_names(struct str *out, const struct x509_request *request, struct err *err)
{
	for (size_t i = 0; i < request->name_count; i++) {
		const char *name = request->names[i];
		bool address = is_address(name);

		if (!address && !is_dns_name(name))
			return err_set(err, E_INVALID,
			    "\"%.80s\" is neither a DNS name nor an address",
			    name);
		str_printf(out, "%s%s:%s", i > 0 ? "," : "",
		    address ? "IP" : "DNS", name);
	}
	if (str_is_full(out))
		return err_set(
		    err, E_INVALID, "too many names for one certificate");
	return 0;
}

static int
check_request(const struct x509_request *request, struct err *err)
{
	size_t n = strlen(request->common_name);

	if (n == 0 || n > COMMON_NAME_MAX ||
	    !enc_is_utf8(request->common_name, n))
		return err_set(err, E_INVALID,
		    "common name \"%.80s\" is not 1 to %d bytes of UTF-8",
		    request->common_name, COMMON_NAME_MAX);
	if (request->days == 0 || request->days > DAYS_MAX)
		return err_set(err, E_INVALID,
		    "a certificate must be valid for 1 to %d days", DAYS_MAX);
	return 0;
}

static bool
add_extensions(X509 *cert, X509 *issuer, enum x509_use use, const char *names)
{
	bool ok =
	    add_extension(cert, issuer, NID_subject_key_identifier, "hash");

	if (issuer != cert)
		ok = ok &&
		    add_extension(
			cert, issuer, NID_authority_key_identifier, "keyid");
	switch (use) {
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
	return ok &&
	    (names[0] == '\0' ||
		add_extension(cert, issuer, NID_subject_alt_name, names));
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
fill(X509 *cert, const struct x509_request *request, const char *names,
    const struct key *key, X509 *issuer)
{
	X509_NAME *name = X509_get_subject_name(cert);
	time_t now = time(NULL);

	return X509_set_version(cert, X509_VERSION_3) == 1 &&
	    set_serial(cert) &&
	    X509_time_adj_ex(X509_getm_notBefore(cert), 0, -EARLY_S, &now) !=
	    NULL &&
	    X509_time_adj_ex(X509_getm_notAfter(cert), (int)request->days,
		-EARLY_S - 1, &now) != NULL &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		(const unsigned char *)request->common_name, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1 &&
	    X509_set_pubkey(cert, key->pkey) == 1 &&
	    add_extensions(cert, issuer, request->use, names);
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

/* without it OpenSSL asks on the terminal and waits for a passphrase */
static int
no_passphrase(
    char *buffer UNUSED, int size UNUSED, int writing UNUSED, void *data UNUSED)
{
	return -1;
}

static X509 *
parse(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *cert = bio != NULL
	    ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)
	    : NULL;

	BIO_free(bio);
	return cert;
}

static int
not_a_certificate(struct err *err)
{
	ERR_clear_error();
	return err_set(err, E_INVALID, "not a certificate in PEM form");
}

/* issuer is NULL for a self-signed one */
static int
make(struct pool *pool, const struct x509_request *request, const char *names,
    const struct key *key, X509 *issuer, const struct key *issuer_key,
    char **pem_out, struct err *err)
{
	X509 *cert = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	int rc = 0;

	if (cert != NULL && bio != NULL &&
	    fill(cert, request, names, key, issuer != NULL ? issuer : cert) &&
	    X509_sign(cert, issuer_key->pkey, EVP_sha256()) > 0 &&
	    PEM_write_bio_X509(bio, cert) == 1)
		*pem_out = take_text(pool, bio, false);
	else
		rc = crypt_fault(err, "making a certificate");
	BIO_free(bio);
	X509_free(cert);
	return rc;
}

int
x509_make(struct pool *pool, const struct x509_request *request,
    const struct key *key, const struct key *issuer_key, const char *issuer_pem,
    char **pem_out, struct err *err)
{
	X509 *issuer;
	struct str names;
	int rc = check_request(request, err);

	str_init(&names, pool, NAMES_MAX);
	if (rc == 0)
		rc = put_names(&names, request, err);
	if (rc < 0)
		return rc;
	if (issuer_pem == NULL)
		return make(
		    pool, request, names.p, key, NULL, key, pem_out, err);
	issuer = parse(issuer_pem);
	if (issuer == NULL) {
		rc = not_a_certificate(err);
	} else if (X509_check_private_key(issuer, issuer_key->pkey) != 1) {
		ERR_clear_error();
		rc = err_set(err, E_INVALID,
		    "the authority's key is not that of its "
		    "certificate");
	} else {
		rc = make(pool, request, names.p, key, issuer, issuer_key,
		    pem_out, err);
	}
	X509_free(issuer);
	return rc;
}

int
x509_key(const char *pem, struct key **out, struct err *err)
{
	X509 *cert = parse(pem);
	EVP_PKEY *pkey = cert != NULL ? X509_get_pubkey(cert) : NULL;

	X509_free(cert);
	if (pkey == NULL)
		return not_a_certificate(err);
	if (!crypt_is_p256(pkey)) {
		EVP_PKEY_free(pkey);
		ERR_clear_error();
		return err_set(
		    err, E_INVALID, "the certificate's key is not P-256");
	}
	*out = crypt_wrap(pkey);
	return 0;
}

int
x509_not_after(const char *pem, int64_t *seconds_out, struct err *err)
{
	X509 *cert = parse(pem);
	struct tm tm;
	bool ok =
	    cert != NULL && ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) == 1;

	X509_free(cert);
	if (!ok)
		return not_a_certificate(err);
	*seconds_out = timegm(&tm);
	return 0;
}

int
x509_has_name(const char *pem, const char *name, struct err *err)
{
	X509 *cert = parse(pem);
	bool has;

	if (cert == NULL)
		return not_a_certificate(err);
	/* by its wildcards; or it is one, and in it as it is; or an address */
	has = X509_check_host(cert, name, 0, 0, NULL) == 1 ||
	    X509_check_host(
		cert, name, 0, X509_CHECK_FLAG_NO_WILDCARDS, NULL) == 1 ||
	    X509_check_ip_asc(cert, name, 0) == 1;
	X509_free(cert);
	ERR_clear_error();
	return has;
}

static EVP_PKEY *
parse_key(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *pkey = bio != NULL
	    ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL)
	    : NULL;

	BIO_free(bio);
	return pkey;
}

int
x509_is_pair(const char *pem, const char *key_pem, struct err *err)
{
	X509 *cert = parse(pem);
	EVP_PKEY *pkey;
	int rc;

	if (cert == NULL)
		return not_a_certificate(err);
	pkey = parse_key(key_pem);
	rc = pkey != NULL ? X509_check_private_key(cert, pkey) == 1
			  : err_set(err, E_INVALID,
				"not a private key in PEM form without a "
				"passphrase");
	EVP_PKEY_free(pkey);
	X509_free(cert);
	ERR_clear_error();
	return rc;
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
	EVP_PKEY *pkey = parse_key(pem);

	if (pkey == NULL || !crypt_is_p256(pkey)) {
		EVP_PKEY_free(pkey);
		ERR_clear_error();
		return err_set(err, E_INVALID,
		    "not a P-256 private key in PEM form without a "
		    "passphrase");
	}
	*out = crypt_wrap(pkey);
	return 0;
}
