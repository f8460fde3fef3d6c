#include "common/base/base.h"
#include "common/json/jscheck.h"

#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/vec.h"

#define NUMBER_LENGTH_MAX 32
#define DEPTH_MAX 256 /* whatever the limits say */
#define TEXT_MAX ((size_t)64 << 20)
#define KEY_SHOWN         ((size_t)100)

struct key {
	const char *p; /* unescaped */
	size_t n;
};

typedef VEC(struct key) key_list;

/* an open object or array */
struct scope {
	bool is_object;
	key_list keys; /* of an object */
};

struct check {
	const char *start;
	const char *p;
	const char *end;
	const struct jscheck_limits *limits;
	size_t values;
	size_t objects;
	struct scope scopes[DEPTH_MAX];
	size_t depth;
	struct pool *pool; /* keys; lives as long as the check */
	struct err *err;
};

static bool
fault(struct check *c, const char *what)
{
	err_set(c->err, E_INVALID, "JSON: %s at byte %zu", what,
	    (size_t)(c->p - c->start));
	return false;
}

static void
skip_space(struct check *c)
{
	while (c->p < c->end &&
	    (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
		c->p++;
}

static bool
count_value(struct check *c)
{
	if (++c->values > c->limits->values)
		return fault(c, "too many values");
	return true;
}

static bool
parse_hex4(struct check *c, unsigned *out)
{
	unsigned value = 0;

	if (c->end - c->p < 4)
		return fault(c, "cut escape");
	for (int i = 0; i < 4; i++) {
		char d = *c->p;

		value <<= 4;
		if (d >= '0' && d <= '9')
			value |= (unsigned)(d - '0');
		else if (d >= 'a' && d <= 'f')
			value |= (unsigned)(d - 'a' + 10);
		else if (d >= 'A' && d <= 'F')
			value |= (unsigned)(d - 'A' + 10);
		else
			return fault(c, "bad escape");
		c->p++;
	}
	*out = value;
	return true;
}

static size_t
put_utf8(char *out, unsigned code)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 63));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 63));
		out[2] = (char)(0x80 | (code & 63));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 63));
	out[2] = (char)(0x80 | (code >> 6 & 63));
	out[3] = (char)(0x80 | (code & 63));
	return 4;
}

/* behind "\u"; writes at most 4 bytes, fewer than the escape has */
static bool
unicode_escape(struct check *c, char *out, size_t *n)
{
	unsigned code, low;

	if (!parse_hex4(c, &code))
		return false;
	if (code == 0)
		return fault(c, "NUL in a string");
	if (code >= 0xdc00 && code <= 0xdfff)
		return fault(c, "lone surrogate");
	if (code >= 0xd800 && code <= 0xdbff) {
		if (c->end - c->p < 2 || c->p[0] != '\\' || c->p[1] != 'u')
			return fault(c, "lone surrogate");
		c->p += 2;
		if (!parse_hex4(c, &low))
			return false;
		if (low < 0xdc00 || low > 0xdfff)
			return fault(c, "lone surrogate");
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	*n += put_utf8(out + *n, code);
	return true;
}

static bool
escape(struct check *c, char *out, size_t *n)
{
	static const char names[] = "\"\\/bfnrt";
	static const char values[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if (c->p == c->end)
		return fault(c, "cut escape");
	if (*c->p == 'u') {
		c->p++;
		return unicode_escape(c, out, n);
	}
	found = *c->p != '\0' ? strchr(names, *c->p) : NULL;
	if (found == NULL)
		return fault(c, "bad escape");
	c->p++;
	out[(*n)++] = values[found - names];
	return true;
}

/* first without unescaping: finds the end and whether there are escapes */
static bool
scan_string(struct check *c, const char **from, size_t *raw, bool *escaped)
{
	*escaped = false;
	*from = ++c->p;
	while (c->p < c->end && *c->p != '"') {
		if ((unsigned char)*c->p < 0x20)
			return fault(c, "control character in a string");
		if (*c->p == '\\') {
			*escaped = true;
			c->p++;
			if (c->p == c->end)
				break;
		}
		c->p++;
	}
	if (c->p >= c->end)
		return fault(c, "string without end");
	*raw = (size_t)(c->p - *from);
	return true;
}

/* key NULL: the text does not matter, only its form */
static bool
string(struct check *c, struct key *key)
{
	const char *from, *after;
	char small[256], *text = small;
	size_t raw = 0, n = 0;
	bool escaped;

	if (!scan_string(c, &from, &raw, &escaped))
		return false;
	if (!escaped) {
		if (key != NULL)
			*key = (struct key){ from, raw };
		c->p++;
		return true;
	}
	if (key != NULL || raw >= sizeof(small))
		text = pool_alloc(c->pool, raw + 1);
	after = c->p;
	c->p = from;
	while (c->p < after) {
		if (*c->p != '\\') {
			text[n++] = *c->p++;
			continue;
		}
		c->p++;
		if (!escape(c, text, &n))
			return false;
	}
	if (c->p != after)
		return fault(c, "bad escape");
	if (key != NULL)
		*key = (struct key){ text, n };
	c->p = after + 1;
	return true;
}

static bool
digits(struct check *c)
{
	const char *from = c->p;

	while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
		c->p++;
	return c->p > from ? true : fault(c, "digit expected");
}

static bool
integer_fits(const char *p, const char *end)
{
	bool negative = *p == '-';
	uint64_t value = 0;

	for (p += negative; p < end; p++)
		if (__builtin_mul_overflow(value, 10U, &value) ||
		    __builtin_add_overflow(
			value, (uint64_t)(*p - '0'), &value))
			return false;
	return value <= (uint64_t)INT64_MAX + (negative ? 1 : 0);
}

static bool
number(struct check *c)
{
	const char *from = c->p;
	bool is_integer = true;

	if (*c->p == '-')
		c->p++;
	if (c->p < c->end && *c->p == '0')
		c->p++;
	else if (!digits(c))
		return false;
	if (c->p < c->end && *c->p == '.') {
		is_integer = false;
		c->p++;
		if (!digits(c))
			return false;
	}
	if (c->p < c->end && (*c->p == 'e' || *c->p == 'E')) {
		is_integer = false;
		c->p++;
		if (c->p < c->end && (*c->p == '+' || *c->p == '-'))
			c->p++;
		if (!digits(c))
			return false;
	}
	if (c->p - from > NUMBER_LENGTH_MAX ||
	    (is_integer && !integer_fits(from, c->p)))
		return fault(c, "number out of range");
	return true;
}

static bool
word(struct check *c, const char *text)
{
	size_t n = strlen(text);

	if ((size_t)(c->end - c->p) < n || memcmp(c->p, text, n) != 0)
		return fault(c, "value expected");
	c->p += n;
	return true;
}

static int
compare_keys(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	size_t n = x->n < y->n ? x->n : y->n;
	int order = n > 0 ? memcmp(x->p, y->p, n) : 0;

	if (order != 0)
		return order;
	return x->n < y->n ? -1 : x->n > y->n;
}

static bool
equal_keys(struct check *c, const struct key *key)
{
	err_set(c->err, E_INVALID,
	    "JSON: key \"%.*s\" twice in the object that ends at byte %zu",
	    (int)(key->n < KEY_SHOWN ? key->n : KEY_SHOWN), key->p,
	    (size_t)(c->p - c->start));
	return false;
}

static bool
close_scope(struct check *c)
{
	key_list *keys = &c->scopes[--c->depth].keys;

	if (keys->count > 1)
		qsort(keys->items, keys->count, sizeof(*keys->items),
		    compare_keys);
	for (size_t i = 1; i < keys->count; i++)
		if (compare_keys(&keys->items[i - 1], &keys->items[i]) == 0)
			return equal_keys(c, &keys->items[i]);
	c->p++;
	return true;
}

static bool
open_scope(struct check *c, bool is_object)
{
	if (c->depth == c->limits->depth || c->depth == DEPTH_MAX)
		return fault(c, "nested too deeply");
	if (is_object && ++c->objects > c->limits->objects)
		return fault(c, "too many objects");
	c->scopes[c->depth++] = (struct scope){ .is_object = is_object,
		.keys = VEC_INIT(c->limits->values) };
	c->p++;
	return true;
}

/* "key" : */
static bool
key(struct check *c)
{
	struct scope *scope = &c->scopes[c->depth - 1];
	struct key found;

	if (c->p == c->end || *c->p != '"')
		return fault(c, "key expected");
	if (!count_value(c) || !string(c, &found))
		return false;
	if (!VEC_PUSH(&scope->keys, c->pool, found))
		return fault(c, "too many keys");
	skip_space(c);
	if (c->p == c->end || *c->p != ':')
		return fault(c, "colon expected");
	c->p++;
	skip_space(c);
	return true;
}

static bool
scalar(struct check *c)
{
	switch (*c->p) {
	case '"':
		return string(c, NULL);
	case 't':
		return word(c, "true");
	case 'f':
		return word(c, "false");
	case 'n':
		return word(c, "null");
	default:
		if (*c->p != '-' && (*c->p < '0' || *c->p > '9'))
			return fault(c, "value expected");
		return number(c);
	}
}

/*
 * What a value begins with; opens a scope (*opened_out) and handles an empty
 * one at once.
 */
static bool
value(struct check *c, bool *opened_out)
{
	bool is_object;

	*opened_out = false;
	if (c->p == c->end)
		return fault(c, "value expected");
	if (!count_value(c))
		return false;
	if (*c->p != '{' && *c->p != '[')
		return scalar(c);
	is_object = *c->p == '{';
	if (!open_scope(c, is_object))
		return false;
	skip_space(c);
	if (c->p < c->end && *c->p == (is_object ? '}' : ']'))
		return close_scope(c);
	*opened_out = true;
	return is_object ? key(c) : true;
}

/* behind a value: what closes, and a comma with what follows it */
static bool
after_value(struct check *c, bool *more_out)
{
	*more_out = false;
	while (c->depth > 0) {
		bool is_object = c->scopes[c->depth - 1].is_object;

		skip_space(c);
		if (c->p == c->end)
			return fault(c, "text ends too early");
		if (*c->p == ',') {
			c->p++;
			skip_space(c);
			*more_out = true;
			return is_object ? key(c) : true;
		}
		if (*c->p != (is_object ? '}' : ']'))
			return fault(c, "comma or end expected");
		if (!close_scope(c))
			return false;
	}
	return true;
}

static bool
document(struct check *c)
{
	bool more = true;

	skip_space(c);
	while (more) {
		bool opened;

		if (!value(c, &opened))
			return false;
		if (opened)
			skip_space(c);
		else if (!after_value(c, &more))
			return false;
	}
	skip_space(c);
	return c->p == c->end ? true : fault(c, "text behind the value");
}

int
jscheck(const char *text, size_t n, const struct jscheck_limits *limits,
    struct err *err)
{
	size_t max = limits->bytes < TEXT_MAX ? limits->bytes : TEXT_MAX;
	struct pool *pool;
	struct check *c;
	int rc;

	if (n > max)
		return err_set(err, E_TOOBIG, "JSON: more than %zu bytes", max);
	if (!enc_is_utf8(text, n))
		return err_set(err, E_INVALID, "JSON: text is not UTF-8");
	if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		return err_set(err, E_INVALID, "JSON: byte order mark");
	/* room for every key's unescaped text and its place in a list, which
	 * doubles as it grows */
	pool = pool_new(SIZE_MAX / 4);
	c = pool_alloc(pool, sizeof(*c));
	c->start = c->p = text;
	c->end = text + n;
	c->limits = limits;
	c->pool = pool;
	c->err = err;
	rc = document(c) ? 0 : (int)E_INVALID;
	pool_free(&pool);
	return rc;
}
