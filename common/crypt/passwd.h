/*
 * Password hashes (the only user of libcrypt): makes yescrypt, checks
 * yescrypt, bcrypt ($2a$ $2b$ $2y$) and SHA-512 ($6$) crypt.
 */
#ifndef COMMON_CRYPT_PASSWD_H
#define COMMON_CRYPT_PASSWD_H

struct err;
struct pool;

#define PASSWD_LENGTH_MAX 511 /* libcrypt takes no more */
#define PASSWD_HASH_MAX   384

/*
 * Hashes a password. method is "yescrypt" (cost 1..11, 5 is usual, 23 ms) or
 * "bcrypt" (cost 4..20, 12 is usual; E_INVALID for passwords over 72 bytes,
 * which bcrypt would cut). Cost 0 is the usual one.
 */
int passwd_hash(struct pool *pool, const char *password, const char *method,
    unsigned cost, char **hash_out, struct err *err);

/*
 * 1 it is the password, 0 it is not, < 0 could not find out (a hash of an
 * unknown form or of a cost over those above or 10 million rounds). Takes
 * tens of milliseconds of a core. A bcrypt hash matches any password that
 * has the same first 72 bytes: bcrypt sees no more.
 */
int passwd_verify(const char *password, const char *hash, struct err *err);

/*
 * Takes about as long as passwd_verify() with a hash of this method and cost;
 * for accounts that do not exist, so that time does not tell. It still tells
 * those whose hash was made with other settings. Nothing is done for a method
 * or cost that passwd_hash() refuses: no hash can be made with it.
 */
void passwd_waste(const char *password, const char *method, unsigned cost);

#endif
