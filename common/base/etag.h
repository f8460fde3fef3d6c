/* Lists of entity tags in If-Match and If-None-Match (RFC 9110, 8.8.3). */
#ifndef COMMON_BASE_ETAG_H
#define COMMON_BASE_ETAG_H

enum etag_comparison {
	ETAG_STRONG, /* a weak tag of the list fits nothing */
	ETAG_WEAK,
};

/*
 * Does the list of a header name this tag (without quotes), or is it "*" and
 * nothing else (13.1.1)? Tags of the list stand in quotes, or bare as some
 * clients send them. A malformed list names nothing behind its fault.
 */
bool etag_list_has(
    const char *list, const char *tag, enum etag_comparison comparison);

#endif
