/* Signed tokens: any text is refused or parsed within its bounds. */
#include "common/base/base.h"
#include "tests/fuzz/fuzz.h"

#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/crypt/jws.h"
#include "common/crypt/key.h"
#include "tests/unit/crypt/keys.h"

static struct key *jws_fuzz_key;

static void
load_key(void)
{
	unsigned char der[sizeof(KEYS_RFC_DER) / 2];
	struct err err;

	ASSERT(enc_parse_hex(der, sizeof(der), KEYS_RFC_DER));
	ASSERT(key_parse_private(&jws_fuzz_key, der, sizeof(der), &err) == 0);
}

static void
check(struct pool *pool, const char *text)
{
	struct jws jws;
	struct err err;
	int rc = jws_parse(&jws, pool, text, &err);

	ASSERT(rc == 0 || rc == E_UNAUTH);
	if (rc < 0)
		return;
	ASSERT(strlen(text) <= JWS_SIZE_MAX);
	ASSERT(jws.kid[0] != '\0');
	ASSERT(jws.payload[jws.payload_size] == '\0');
	ASSERT(jws.signed_text == text);
	ASSERT(text[jws.signed_size] == '.');
	ASSERT(jws_verify(&jws, jws_fuzz_key, &err) >= 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const unsigned char signature[KEY_SIGNATURE_SIZE];
	struct pool *pool = pool_new((size_t)64 << 20);

	if (jws_fuzz_key == NULL)
		load_key();
	check(pool, pool_memdup(pool, data, n));
	/* as a header alone, which base64 hides from the fuzzer */
	check(pool,
	    pool_printf(pool, "%s.e30.%s", enc_base64url(pool, data, n),
		enc_base64url(pool, signature, sizeof(signature))));
	pool_free(&pool);
	return 0;
}
