#include "common/base/base.h"
#include "common/crypt/jws.h"

#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/crypt/key.h"
#include "common/json/jscheck.h"
#include "common/json/jsr.h"
#include "common/json/jsw.h"

_Static_assert(sizeof(((struct jws *)0)->signature) == KEY_SIGNATURE_SIZE,
    "a signature fits");

static const struct jscheck_limits header_limits = {
	.bytes = JWS_SIZE_MAX,
	.depth = 4,
	.values = 64,
	.objects = 8,
};

int
jws_sign(struct pool *pool, const struct key *key, const char *kid,
    const char *x5c, const char *payload, size_t n, char **out, struct err *err)
{
	unsigned char signature[KEY_SIGNATURE_SIZE];
	struct str header, text;
	struct jsw w;
	int rc;

	str_init(&header, pool, JWS_SIZE_MAX);
	jsw_init(&w, &header);
	jsw_object(&w, NULL);
	jsw_str(&w, "typ", "JWT");
	jsw_str(&w, "alg", "ES256");
	jsw_str(&w, "kid", kid);
	if (x5c != NULL) {
		jsw_array(&w, "x5c");
		jsw_str(&w, NULL, x5c);
		jsw_end(&w);
	}
	jsw_end(&w);
	jsw_done(&w);
	if (str_is_full(&header))
		return err_set(err, E_TOOBIG,
		    "header of a signed token over %zu bytes", JWS_SIZE_MAX);
	str_init(&text, pool, (header.len + n) * 2 + 256);
	str_printf(&text, "%s.%s", enc_base64url(pool, header.p, header.len),
	    enc_base64url(pool, payload, n));
	rc = key_sign(key, text.p, text.len, signature, err);
	if (rc < 0)
		return rc;
	str_printf(
	    &text, ".%s", enc_base64url(pool, signature, sizeof(signature)));
	*out = text.p;
	return 0;
}

static int
malformed(struct err *err)
{
	return err_set(err, E_UNAUTH, "malformed signed token");
}

static int
parse_header(struct jws *out, struct pool *pool, const char *p, size_t n,
    struct err *err)
{
	size_t size;
	const char *text = (const char *)enc_parse_base64url(pool, p, n, &size);
	const char *algorithm;
	struct jsr header;

	if (text == NULL ||
	    jsr_parse(pool, text, size, &header_limits, &header, err) < 0 ||
	    jsr_str(&header, "alg", true, &algorithm, err) < 0 ||
	    strcmp(algorithm, "ES256") != 0 ||
	    jsr_str(&header, "kid", true, &out->kid, err) < 0 ||
	    out->kid[0] == '\0' || jsr_has(&header, "crit"))
		return malformed(err);
	return 0;
}

int
jws_parse(struct jws *out, struct pool *pool, const char *text, struct err *err)
{
	size_t n = strnlen(text, JWS_SIZE_MAX + 1);
	const char *first = memchr(text, '.', n);
	const char *last = memrchr(text, '.', n);
	unsigned char *payload, *signature;
	size_t size;
	int rc;

	if (n > JWS_SIZE_MAX || first == NULL || first == last ||
	    memchr(first + 1, '.', (size_t)(last - first - 1)) != NULL)
		return malformed(err);
	rc = parse_header(out, pool, text, (size_t)(first - text), err);
	if (rc < 0)
		return rc;
	payload = enc_parse_base64url(
	    pool, first + 1, (size_t)(last - first - 1), &out->payload_size);
	signature = enc_parse_base64url(
	    pool, last + 1, n - (size_t)(last + 1 - text), &size);
	if (payload == NULL || signature == NULL ||
	    size != sizeof(out->signature))
		return malformed(err);
	out->payload = (const char *)payload;
	out->signed_text = text;
	out->signed_size = (size_t)(last - text);
	memcpy(out->signature, signature, size);
	return 0;
}

int
jws_verify(const struct jws *jws, const struct key *key, struct err *err)
{
	return key_verify(
	    key, jws->signed_text, jws->signed_size, jws->signature, err);
}
