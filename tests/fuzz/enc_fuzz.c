/* Text forms of bytes: what is decoded has no other text. */
#include "common/base/base.h"
#include "tests/fuzz/fuzz.h"

#include "common/base/enc.h"
#include "common/base/pool.h"

static void
check_text(struct pool *pool, const char *text, size_t n)
{
	char *copy = pool_memdup(pool, text, n);
	unsigned char *bytes;
	size_t size;

	bytes = enc_parse_base64url(pool, text, n, &size);
	if (bytes != NULL)
		ASSERT(strcmp(enc_base64url(pool, bytes, size), copy) == 0);
	bytes = enc_parse_base64(pool, text, n, &size);
	if (bytes != NULL)
		ASSERT(strcmp(enc_base64(pool, bytes, size), copy) == 0);
	bytes = pool_alloc(pool, n / 2);
	if (n % 2 == 0 && enc_parse_hex(bytes, n / 2, text)) {
		char *again = pool_alloc(pool, ENC_HEX_SIZE(n / 2));

		enc_put_hex(again, bytes, n / 2);
		ASSERT(strcmp(again, copy) == 0);
	}
}

static void
check_bytes(struct pool *pool, const unsigned char *data, size_t n)
{
	char *url = enc_base64url(pool, data, n);
	char *plain = enc_base64(pool, data, n);
	unsigned char *bytes;
	size_t size;

	bytes = enc_parse_base64url(pool, url, strlen(url), &size);
	ASSERT(bytes != NULL && size == n &&
	    (n == 0 || memcmp(bytes, data, n) == 0));
	bytes = enc_parse_base64(pool, plain, strlen(plain), &size);
	ASSERT(bytes != NULL && size == n &&
	    (n == 0 || memcmp(bytes, data, n) == 0));
}

/* the whole is UTF-8 if and only if its sequences follow each other */
static void
check_utf8(const unsigned char *data, size_t n)
{
	size_t i = 0;

	while (i < n) {
		uint32_t code = UINT32_MAX;
		size_t length = enc_utf8_next(data + i, n - i, &code);

		if (length == 0)
			break;
		ASSERT(length <= 4 && length <= n - i && code <= 0x10ffff);
		ASSERT(enc_is_utf8(data + i, length));
		i += length;
	}
	ASSERT(enc_is_utf8(data, n) == (i == n));
	ASSERT(enc_is_utf8(data, i));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pool *pool = pool_new((size_t)256 << 20);

	check_text(pool, (const char *)data, n);
	check_bytes(pool, data, n);
	check_utf8(data, n);
	pool_free(&pool);
	return 0;
}
