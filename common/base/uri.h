/*
 * Request targets and queries (RFC 3986). Paths are split at "/" first and
 * decoded once after that, so that an encoded slash can never make a new
 * segment; queries and forms are split at "&" and "=".
 */
#ifndef COMMON_BASE_URI_H
#define COMMON_BASE_URI_H

struct err;
struct pool;

#define URI_SEGMENTS_MAX 64
#define URI_PARAMS_MAX 64

struct uri_param {
	const char *name;
	const char *value; /* "" if there is no "=" */
};

struct uri {
	const char *path; /* raw, up to the "?" */
	const char *segments[URI_SEGMENTS_MAX]; /* decoded, never empty */
	size_t segment_count;
	bool trailing_slash; /* "/v2/" has one segment and this */
	struct uri_param params[URI_PARAMS_MAX]; /* decoded, in order */
	size_t param_count;
};

/*
 * Parses a request target: "/a/b%3Ac?x=1&y", or the same with "http://host"
 * before it, which every server takes (RFC 9112, 3.2.2). E_INVALID with a
 * text for: no leading slash, an empty segment, "." or "..", an encoded
 * slash, NUL or other control character, a bad percent form, text that is
 * not UTF-8, too many segments; E_TOOBIG for too many parameters. "+" means
 * a space in queries only.
 */
int uri_parse(
    struct uri *uri_out, struct pool *pool, const char *target, struct err *err);

/*
 * Parses "a=b&c=d" (application/x-www-form-urlencoded) into at most max
 * params. Errors as above.
 */
int uri_parse_form(struct pool *pool, const char *text, size_t n,
    struct uri_param *params_out, size_t max, size_t *count_out,
    struct err *err);

/* The first value of the parameter, or NULL. */
const char *uri_param(const struct uri *uri, const char *name);

/* Percent-codes all but unreserved characters. */
char *uri_encode(struct pool *pool, const char *text);

#endif
