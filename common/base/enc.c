#include "common/base/base.h"
#include "common/base/enc.h"

#include "common/base/pool.h"

static const char plain_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void
enc_put_hex(char *text, const void *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes = p;

	for (size_t i = 0; i < n; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	text[2 * n] = '\0';
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool
enc_parse_hex(void *out, size_t n, const char *text)
{
	unsigned char *bytes = out;

	for (size_t i = 0; i < n; i++) {
		int high = hex_value(text[2 * i]);
		int low = high < 0 ? -1 : hex_value(text[2 * i + 1]);

		if (low < 0)
			return false;
		bytes[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

static char *
base64(struct pool *pool, const unsigned char *p, size_t n,
    const char *digits, bool padded)
{
	char *text = pool_alloc(pool, n / 3 * 4 + 5);
	char *t = text;

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t v = (uint32_t)p[i] << 16;

		if (left > 1)
			v |= (uint32_t)p[i + 1] << 8;
		if (left > 2)
			v |= p[i + 2];
		*t++ = digits[v >> 18];
		*t++ = digits[v >> 12 & 63];
		if (left > 1)
			*t++ = digits[v >> 6 & 63];
		else if (padded)
			*t++ = '=';
		if (left > 2)
			*t++ = digits[v & 63];
		else if (padded)
			*t++ = '=';
	}
	*t = '\0';
	return text;
}

char *
enc_base64url(struct pool *pool, const void *p, size_t n)
{
	return base64(pool, p, n, url_digits, false);
}

char *
enc_base64(struct pool *pool, const void *p, size_t n)
{
	return base64(pool, p, n, plain_digits, true);
}

static int
base64_value(char c, const char *digits)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == digits[62])
		return 62;
	if (c == digits[63])
		return 63;
	return -1;
}

static unsigned char *
parse_base64(struct pool *pool, const char *text, size_t n,
    const char *digits, size_t *len_out)
{
	unsigned char *bytes, *b;
	uint32_t bits = 0;
	unsigned held = 0;

	if (n % 4 == 1)
		return NULL;
	bytes = b = pool_alloc(pool, n / 4 * 3 + 4);
	for (size_t i = 0; i < n; i++) {
		int value = base64_value(text[i], digits);

		if (value < 0)
			return NULL;
		bits = bits << 6 | (uint32_t)value;
		held += 6;
		if (held >= 8) {
			held -= 8;
			*b++ = (unsigned char)(bits >> held);
		}
	}
	if ((bits & ((1U << held) - 1)) != 0)
		return NULL;
	*len_out = (size_t)(b - bytes);
	return bytes;
}

unsigned char *
enc_parse_base64url(
    struct pool *pool, const char *text, size_t n, size_t *len_out)
{
	return parse_base64(pool, text, n, url_digits, len_out);
}

unsigned char *
enc_parse_base64(struct pool *pool, const char *text, size_t n, size_t *len_out)
{
	if (n % 4 != 0)
		return NULL;
	for (int i = 0; i < 2 && n > 0 && text[n - 1] == '='; i++)
		n--;
	return parse_base64(pool, text, n, plain_digits, len_out);
}

size_t
enc_utf8_next(const void *p, size_t n, uint32_t *code_out)
{
	/* the least code point of a length: less is an overlong form */
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *bytes = p;
	size_t length;
	uint32_t code;

	if (n == 0)
		return 0;
	code = bytes[0];
	length = code < 0x80 ? 1
	    : code < 0xc0    ? 0
	    : code < 0xe0    ? 2
	    : code < 0xf0    ? 3
	    : code < 0xf8    ? 4
			     : 0;
	if (length == 0 || length > n)
		return 0;
	if (length > 1)
		code &= 0x7fU >> length;
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (bytes[i] & 0x3fU);
	}
	if (code < least[length] || (code >= 0xd800 && code <= 0xdfff) ||
	    code > 0x10ffff)
		return 0;
	*code_out = code;
	return length;
}

bool
enc_is_utf8(const void *p, size_t n)
{
	const unsigned char *bytes = p;

	while (n > 0) {
		uint32_t code;
		size_t length = enc_utf8_next(bytes, n, &code);

		if (length == 0)
			return false;
		bytes += length;
		n -= length;
	}
	return true;
}
