/*
 * Secrets that stand for a password: access tokens made by people (`docker
 * login` takes one as the password) and refresh tokens made by a login with
 * offline access. The secret is shown once; only its digest is stored.
 */
#ifndef COMMON_MODEL_ACCESS_TOKEN_H
#define COMMON_MODEL_ACCESS_TOKEN_H

#include "common/crypt/digest.h"
#include "common/model/account.h"

enum access_token_kind {
	ACCESS_TOKEN_MANUAL = 1,
	ACCESS_TOKEN_REFRESH = 2,
};

/* "dtr_at_" or "dtr_rt_", then 43 base64url digits of 256 random bits */
#define ACCESS_TOKEN_PREFIX_MANUAL "dtr_at_"
#define ACCESS_TOKEN_PREFIX_REFRESH "dtr_rt_"

/* Makes an access token of an account; *secret_out is pool memory that is
 * wiped. */
int access_token_create(struct db *db, struct pool *pool,
    const struct rand_id *account_id, const char *label,
    const char **secret_out, struct err *err);

/* What a login was by: the hash of a password, or the secret of an access
 * token. */
struct access_token_basis {
	unsigned char digest[DIGEST_SHA256_SIZE];
};
struct access_token_basis access_token_basis_of(const char *text);

/*
 * Makes a refresh token for one service. It ends with its basis: at once when
 * the password is changed or the access token revoked.
 */
int access_token_create_refresh(struct db *db, struct pool *pool,
    const struct rand_id *account_id, const char *service,
    const struct access_token_basis *basis, const char **secret_out,
    struct err *err);

/* Has the text the form of such a secret? */
bool access_token_is_secret(const char *text);

/*
 * The active account of an active token of this kind; E_UNAUTH if there is
 * none, or it is for another service.
 */
int access_token_check(struct db *db, struct pool *pool, const char *secret,
    enum access_token_kind kind, const char *service, struct account *out,
    struct err *err);

#endif
