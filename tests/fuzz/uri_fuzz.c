/*
 * Request targets and forms: what is accepted holds nothing that could lead
 * elsewhere, and is the same when written down and parsed again.
 */
#include "common/base/base.h"
#include "tests/fuzz/fuzz.h"

#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/base/uri.h"

#define TEXT_MAX ((size_t)4 << 20)

static void
check_text(const char *text)
{
	ASSERT(enc_is_utf8(text, strlen(text)));
	for (const char *p = text; *p != '\0'; p++)
		ASSERT((unsigned char)*p >= 0x20 && *p != 0x7f);
}

static void
check_segment(const char *segment)
{
	check_text(segment);
	ASSERT(segment[0] != '\0');
	ASSERT(strchr(segment, '/') == NULL);
	ASSERT(strcmp(segment, ".") != 0 && strcmp(segment, "..") != 0);
}

static void
put_params(struct str *out, struct pool *pool, const struct uri_param *params,
    size_t count)
{
	for (size_t i = 0; i < count; i++)
		str_printf(out, "%s%s=%s", i > 0 ? "&" : "",
		    uri_encode(pool, params[i].name),
		    uri_encode(pool, params[i].value));
}

static void
check_same_params(
    const struct uri_param *a, const struct uri_param *b, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		check_text(a[i].name);
		check_text(a[i].value);
		ASSERT(strcmp(a[i].name, b[i].name) == 0);
		ASSERT(strcmp(a[i].value, b[i].value) == 0);
	}
}

static void
check_again(struct pool *pool, const struct uri *uri)
{
	struct uri again;
	struct str text;
	struct err err;

	str_init(&text, pool, TEXT_MAX);
	for (size_t i = 0; i < uri->segment_count; i++)
		str_printf(&text, "/%s", uri_encode(pool, uri->segments[i]));
	if (uri->trailing_slash || uri->segment_count == 0)
		str_putc(&text, '/');
	str_putc(&text, '?');
	put_params(&text, pool, uri->params, uri->param_count);
	ASSERT(!str_is_full(&text));
	ASSERT(uri_parse(&again, pool, text.p, &err) == 0);
	ASSERT(again.segment_count == uri->segment_count);
	ASSERT(again.trailing_slash == uri->trailing_slash);
	ASSERT(again.param_count == uri->param_count);
	for (size_t i = 0; i < uri->segment_count; i++) {
		check_segment(uri->segments[i]);
		ASSERT(strcmp(uri->segments[i], again.segments[i]) == 0);
	}
	check_same_params(uri->params, again.params, uri->param_count);
}

/* of a target in absolute form, which has to be one of HTTP */
static const char *
behind_authority(const char *target)
{
	const char *authority = strstr(target, "://");

	if (target[0] == '/')
		return target;
	ASSERT(authority != NULL && strncasecmp(target, "http", 4) == 0);
	authority += strlen("://");
	return authority + strcspn(authority, "/");
}

static void
check_target(struct pool *pool, const char *target)
{
	struct uri uri;
	struct err err;
	int rc = uri_parse(&uri, pool, target, &err);

	if (rc < 0) {
		ASSERT(
		    (rc == E_INVALID || rc == E_TOOBIG) && err.text[0] != '\0');
		return;
	}
	target = behind_authority(target);
	ASSERT(target[0] == '/');
	ASSERT(strlen(uri.path) == strcspn(target, "?"));
	ASSERT(strncmp(uri.path, target, strlen(uri.path)) == 0);
	ASSERT(uri.trailing_slash ==
	    (uri.path[1] != '\0' && uri.path[strlen(uri.path) - 1] == '/'));
	ASSERT(uri.segment_count <= URI_SEGMENTS_MAX);
	ASSERT(uri.param_count <= URI_PARAMS_MAX);
	if (uri.param_count > 0)
		ASSERT(strcmp(uri_param(&uri, uri.params[0].name),
			   uri.params[0].value) == 0);
	check_again(pool, &uri);
}

/* a form has its length told, and may hold anything */
static void
check_form(struct pool *pool, const char *text, size_t n)
{
	struct uri_param params[8], again[8];
	size_t count, count_again;
	struct str written;
	struct err err;
	int rc = uri_parse_form(pool, text, n, params, 8, &count, &err);

	ASSERT(count <= 8);
	if (rc < 0) {
		ASSERT(
		    (rc == E_INVALID || rc == E_TOOBIG) && err.text[0] != '\0');
		return;
	}
	str_init(&written, pool, TEXT_MAX);
	put_params(&written, pool, params, count);
	ASSERT(!str_is_full(&written));
	ASSERT(uri_parse_form(pool, written.p, written.len, again, 8,
		   &count_again, &err) == 0);
	ASSERT(count_again == count);
	check_same_params(params, again, count);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pool *pool;

	if (n > TEXT_MAX / 8)
		return 0;
	pool = pool_new((size_t)64 << 20);
	check_target(pool, pool_memdup(pool, data, n));
	check_form(pool, (const char *)data, n);
	pool_free(&pool);
	return 0;
}
