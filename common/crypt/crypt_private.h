/* What the files of this folder share about OpenSSL. */
#ifndef COMMON_CRYPT_CRYPT_PRIVATE_H
#define COMMON_CRYPT_CRYPT_PRIVATE_H

#include <openssl/evp.h>

struct err;

struct key {
	EVP_PKEY *pkey;
};

/* A key that takes pkey over. */
struct key *crypt_wrap(EVP_PKEY *pkey);

bool crypt_is_p256(const EVP_PKEY *pkey);

/* E_INTERNAL with OpenSSL's own words as the cause; empties its queue. */
int crypt_fault(struct err *err, const char *what);

#endif
