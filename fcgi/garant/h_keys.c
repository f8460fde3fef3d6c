/* The public keys that verify registry tokens, as a JWK set. */
#include "common/base/base.h"
#include "fcgi/garant/garant.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/crypt/key.h"
#include "common/crypt/x509.h"
#include "common/json/jsw.h"
#include "common/model/token_key.h"

#define BODY_MAX ((size_t)256 << 10)
/* shorter than the delay after which a new key signs (dtr key rotate) */
#define KEPT "max-age=5"

static int
put_key(struct jsw *w, struct pool *pool, const struct token_key *item,
    struct err *err)
{
	const char *x, *y, *thumbprint;
	struct key *key = NULL;
	char *x5c;
	int rc = x509_key(item->certificate, &key, err);

	if (rc == 0)
		rc = key_jwk(key, pool, &x, &y, &thumbprint, err);
	if (rc == 0)
		rc = x509_base64(pool, item->certificate, &x5c, err);
	key_free(&key);
	if (rc < 0)
		return rc;
	jsw_object(w, NULL);
	jsw_str(w, "kty", "EC");
	jsw_str(w, "crv", "P-256");
	jsw_str(w, "use", "sig");
	jsw_str(w, "alg", "ES256");
	jsw_str(w, "kid", item->kid);
	jsw_str(w, "x", x);
	jsw_str(w, "y", y);
	jsw_array(w, "x5c");
	jsw_str(w, NULL, x5c);
	jsw_end(w);
	jsw_end(w);
	return 0;
}

int
h_keys_get(struct req *req, struct err *err)
{
	struct token_key *items;
	struct str body;
	struct jsw w;
	size_t count;
	int rc = token_key_list(garant.db, req->pool, &items, &count, err);

	str_init(&body, req->pool, BODY_MAX);
	jsw_init(&w, &body);
	jsw_object(&w, NULL);
	jsw_array(&w, "keys");
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = put_key(&w, req->pool, &items[i], err);
	if (rc < 0)
		return rc;
	jsw_end(&w);
	jsw_end(&w);
	jsw_done(&w);
	resp_header(req, "Cache-Control", KEPT);
	resp_send(req, "application/json", body.p, body.len);
	return 0;
}
