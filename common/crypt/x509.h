/* Certificates: our own authority, server and token certificates. */
#ifndef COMMON_CRYPT_X509_H
#define COMMON_CRYPT_X509_H

struct err;
struct key;
struct pool;

enum x509_use {
	X509_AUTHORITY, /* basicConstraints CA, signs others */
	X509_SERVER, /* TLS server, with subject alternative names */
	X509_SIGNING, /* signs tokens */
};

struct x509_request {
	enum x509_use use;
	const char *common_name;
	const char *const *names; /* DNS names and IP addresses, or NULL */
	size_t name_count;
	unsigned days; /* of validity, from an hour ago, both ends counted */
};

/*
 * A certificate for key as PEM. issuer_key and issuer_pem are NULL for a
 * self-signed one. Random serial, SHA-256, version 3, key identifiers set
 * so that Go's and OpenSSL's verifiers build the chain. E_INVALID for a name,
 * a common name (1 to 64 bytes) or a validity (1 to 36500 days) that does not
 * fit, and for an issuer whose key and certificate do not.
 */
int x509_make(struct pool *pool, const struct x509_request *request,
    const struct key *key, const struct key *issuer_key, const char *issuer_pem,
    char **pem_out, struct err *err);

/* The public key of a PEM certificate (P-256 only). */
int x509_key(const char *pem, struct key **out, struct err *err);

/* End of validity as seconds since 1970. */
int x509_not_after(const char *pem, int64_t *seconds_out, struct err *err);

/*
 * Is it for this DNS name or address? 1, 0 or an error. A name with a wildcard
 * must be in it as it is.
 */
int x509_has_name(const char *pem, const char *name, struct err *err);

/*
 * Does this private key, of any kind, without passphrase, belong to it? 1, 0,
 * or < 0: no certificate, or no key that can be read.
 */
int x509_is_pair(const char *pem, const char *key_pem, struct err *err);

/* The first certificate's DER as plain base64, as x5c wants it. */
int x509_base64(
    struct pool *pool, const char *pem, char **out, struct err *err);

/* A private key as PEM (for the web server), in wiped memory. */
int x509_key_pem(
    struct pool *pool, const struct key *key, char **pem_out, struct err *err);

/* Reads such a key back; E_INVALID unless it is P-256, without passphrase. */
int x509_parse_key_pem(const char *pem, struct key **out, struct err *err);

#endif
