/*
 * JSON: the strict check and the parser behind it never disagree on what the
 * check accepts, limits hold, and what is written is read again as it was.
 */
#include "common/base/base.h"
#include "tests/fuzz/fuzz.h"

#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/json/jscheck.h"
#include "common/json/jsr.h"
#include "common/json/jsw.h"

#define DEPTH 12
#define OBJECTS 20

/* small, so that inputs reach them */
static const struct jscheck_limits limits = {
	.bytes = 4096,
	.depth = DEPTH,
	.values = 200,
	.objects = OBJECTS,
};
/* escapes may be longer than what they stand for */
static const struct jscheck_limits wide = {
	.bytes = 8 * 4096,
	.depth = DEPTH,
	.values = 200,
	.objects = OBJECTS,
};

static size_t
count_values(const struct jsr *v, size_t depth)
{
	size_t count = 1;
	const char *name, *text;
	struct jsr_walk walk;
	struct jsr value;
	struct err err;

	switch (jsr_type(v)) {
	case JSR_STRING:
		ASSERT(jsr_as_str(v, &text, &err) == 0);
		ASSERT(enc_is_utf8(text, strlen(text)));
		break;
	case JSR_ARRAY:
		ASSERT(depth < DEPTH);
		for (size_t i = 0; i < jsr_count(v); i++) {
			value = jsr_item(v, i);
			count += count_values(&value, depth + 1);
		}
		break;
	case JSR_OBJECT:
		ASSERT(depth < DEPTH);
		walk = jsr_walk(v);
		while (jsr_next(&walk, &name, &value)) {
			ASSERT(enc_is_utf8(name, strlen(name)));
			ASSERT(jsr_has(v, name));
			count += 1 + count_values(&value, depth + 1);
		}
		break;
	case JSR_ABSENT:
	case JSR_BOOL:
	case JSR_INT:
	case JSR_REAL:
		break;
	}
	return count;
}

/* behind the string at p, which has nothing that a C text cannot hold */
static const char *
skip_string(const char *p)
{
	for (p++; *p != '"'; p++) {
		ASSERT((unsigned char)*p >= 0x20);
		if (*p == '\\')
			ASSERT(strncmp(++p, "u0000", 5) != 0);
	}
	return p + 1;
}

/* the values of a text that is known to be JSON, found without a parser */
static size_t
scan_values(const char *text, size_t *objects_out)
{
	size_t count = 0;

	*objects_out = 0;
	while (*text != '\0') {
		text += strspn(text, " \t\r\n,:]}");
		if (*text == '\0')
			break;
		count++;
		*objects_out += *text == '{' ? 1 : 0;
		if (*text == '"')
			text = skip_string(text);
		else if (*text == '[' || *text == '{')
			text++;
		else
			text += strcspn(text, " \t\r\n,:]}");
	}
	return count;
}

static void
check_accepted(struct pool *pool, const char *text, size_t n)
{
	char *spaced = pool_printf(pool, "\t%.*s\r\n ", (int)n, text);
	struct jsr root, again;
	size_t objects;
	struct err err;
	char *written;

	/* a parser that refuses or sees less has another idea of JSON */
	ASSERT(jsr_parse(pool, text, n, &limits, &root, &err) == 0);
	ASSERT(count_values(&root, 0) == scan_values(spaced, &objects));
	ASSERT(count_values(&root, 0) <= limits.values);
	ASSERT(objects <= limits.objects);
	ASSERT(jscheck(spaced, n + 4, &wide, &err) == 0);
	written = jsr_text(&root);
	ASSERT(jsr_parse(pool, written, strlen(written), &wide, &again, &err) ==
	    0);
	ASSERT(strcmp(jsr_text(&again), written) == 0);
	ASSERT(count_values(&again, 0) == count_values(&root, 0));
}

static void
check_refused(const char *text, size_t n, int rc, const struct err *err)
{
	ASSERT(rc == E_INVALID || rc == E_TOOBIG);
	ASSERT((rc == E_TOOBIG) == (n > limits.bytes));
	ASSERT(err->code == (enum err_code)rc);
	ASSERT(strncmp(err->text, "JSON: ", 6) == 0);
	ASSERT(text != NULL);
}

/* any text, as a name and a value */
static void
check_writer(struct pool *pool, const char *text)
{
	static const struct jscheck_limits any = {
		.bytes = SIZE_MAX, .depth = 1, .values = 3, .objects = 1
	};
	const char *name = NULL, *value = NULL;
	struct jsr_walk walk;
	struct jsr root, v;
	struct str out;
	struct err err;
	struct jsw w;

	str_init(&out, pool, (size_t)1 << 20);
	jsw_init(&w, &out);
	jsw_object(&w, NULL);
	jsw_str(&w, text, text);
	jsw_end(&w);
	jsw_done(&w);
	if (str_is_full(&out))
		return;
	ASSERT(jsr_parse(pool, out.p, out.len, &any, &root, &err) == 0);
	walk = jsr_walk(&root);
	ASSERT(jsr_next(&walk, &name, &v));
	ASSERT(jsr_as_str(&v, &value, &err) == 0);
	ASSERT(strcmp(name, value) == 0);
	if (enc_is_utf8(text, strlen(text)))
		ASSERT(strcmp(value, text) == 0);
	else
		ASSERT(strstr(value, "\xef\xbf\xbd") != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *text = (const char *)data;
	struct pool *pool = pool_new((size_t)64 << 20);
	struct err err;
	int rc = jscheck(text, n, &limits, &err);

	if (rc == 0)
		check_accepted(pool, text, n);
	else
		check_refused(text, n, rc, &err);
	check_writer(pool, pool_memdup(pool, data, n));
	pool_free(&pool);
	return 0;
}
