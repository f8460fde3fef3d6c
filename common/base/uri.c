#include "common/base/base.h"
#include "common/base/uri.h"

#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/pool.h"

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* the byte that "%" at *p_io and two digits stand for, < 0 if they do not */
static int
coded_byte(const char **p_io, const char *end)
{
	const char *p = *p_io;
	int high = end - p > 2 ? hex_digit(p[1]) : -1;
	int low = high < 0 ? -1 : hex_digit(p[2]);

	*p_io = p + 2;
	return low < 0 ? -1 : high << 4 | low;
}

/* decodes n bytes once; NULL with err set if the form is bad */
static char *
decode(struct pool *pool, const char *p, size_t n, bool query, struct err *err)
{
	char *text = pool_alloc(pool, n + 1);
	const char *where = query ? "a parameter" : "the path";
	const char *end = p + n;
	size_t len = 0;

	for (; p < end; p++) {
		bool is_coded = *p == '%';
		int c = is_coded ? coded_byte(&p, end) : (unsigned char)*p;

		if (c < 0) {
			err_set(err, E_INVALID,
			    "bad percent-encoding in %s; a percent sign is "
			    "written %%25",
			    where);
			return NULL;
		}
		if (c < 0x20 || c == 0x7f) {
			err_set(
			    err, E_INVALID, "control character in %s", where);
			return NULL;
		}
		if (!query && is_coded && c == '/') {
			err_set(err, E_INVALID, "encoded slash in the path");
			return NULL;
		}
		text[len++] = query && c == '+' && !is_coded ? ' ' : (char)c;
	}
	if (!enc_is_utf8(text, len)) {
		err_set(err, E_INVALID, "%s is not UTF-8", where);
		return NULL;
	}
	return text;
}

int
uri_parse_form(struct pool *pool, const char *text, size_t n,
    struct uri_param *params_out, size_t max, size_t *count_out,
    struct err *err)
{
	const char *end = text + n;

	*count_out = 0;
	while (text < end) {
		const char *stop = memchr(text, '&', (size_t)(end - text));
		const char *equals;
		struct uri_param param = { .value = "" };

		if (stop == NULL)
			stop = end;
		if (stop == text) {
			text = stop + 1;
			continue;
		}
		equals = memchr(text, '=', (size_t)(stop - text));
		param.name = decode(pool, text,
		    (size_t)((equals != NULL ? equals : stop) - text), true,
		    err);
		if (param.name == NULL)
			return err->code;
		if (equals != NULL) {
			param.value = decode(pool, equals + 1,
			    (size_t)(stop - equals - 1), true, err);
			if (param.value == NULL)
				return err->code;
		}
		if (*count_out == max)
			return err_set(err, E_TOOBIG,
			    "more than %zu parameters", max);
		params_out[(*count_out)++] = param;
		text = stop + 1;
	}
	return 0;
}

static int
parse_path(struct uri *uri, struct pool *pool, const char *p, size_t n,
    struct err *err)
{
	const char *end = p + n;

	if (n == 0 || *p != '/')
		return err_set(err, E_INVALID, "the path must begin with /");
	uri->path = pool_memdup(pool, p, n);
	p++;
	while (p < end) {
		const char *stop = memchr(p, '/', (size_t)(end - p));
		const char *segment;

		if (stop == NULL)
			stop = end;
		if (stop == p)
			return err_set(
			    err, E_INVALID, "empty segment in the path");
		segment = decode(pool, p, (size_t)(stop - p), false, err);
		if (segment == NULL)
			return err->code;
		if (strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0)
			return err_set(err, E_INVALID,
			    "segment \"%s\" in the path", segment);
		if (uri->segment_count == URI_SEGMENTS_MAX)
			return err_set(err, E_INVALID,
			    "more than %d segments in the path",
			    URI_SEGMENTS_MAX);
		uri->segments[uri->segment_count++] = segment;
		uri->trailing_slash = stop < end;
		p = stop + 1;
	}
	return 0;
}

/* what is behind the authority of an absolute form; the web server checked
 * whose it is */
static const char *
origin_form(const char *target)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < COUNT_OF(schemes); i++) {
		size_t n = strlen(schemes[i]);

		if (strncasecmp(target, schemes[i], n) == 0)
			return target + n + strcspn(target + n, "/?");
	}
	return target;
}

int
uri_parse(
    struct uri *uri_out, struct pool *pool, const char *target, struct err *err)
{
	size_t n;
	int rc;

	target = origin_form(target);
	n = strcspn(target, "?");
	uri_out->segment_count = 0;
	uri_out->trailing_slash = false;
	uri_out->param_count = 0;
	rc = parse_path(uri_out, pool, target, n, err);
	if (rc < 0 || target[n] == '\0')
		return rc;
	return uri_parse_form(pool, target + n + 1, strlen(target + n + 1),
	    uri_out->params, URI_PARAMS_MAX, &uri_out->param_count, err);
}

const char *
uri_param(const struct uri *uri, const char *name)
{
	for (size_t i = 0; i < uri->param_count; i++)
		if (strcmp(uri->params[i].name, name) == 0)
			return uri->params[i].value;
	return NULL;
}

char *
uri_encode(struct pool *pool, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";
	char *coded = pool_array(pool, strlen(text) + 1, 3);
	char *c = coded;

	for (; *text != '\0'; text++) {
		unsigned char b = (unsigned char)*text;

		if ((b >= 'A' && b <= 'Z') || (b >= 'a' && b <= 'z') ||
		    (b >= '0' && b <= '9') || b == '-' || b == '.' ||
		    b == '_' || b == '~') {
			*c++ = *text;
		} else {
			*c++ = '%';
			*c++ = digits[b >> 4];
			*c++ = digits[b & 15];
		}
	}
	*c = '\0';
	return coded;
}
