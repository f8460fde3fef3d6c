/*
 * Strict check of foreign JSON before any parser sees it. json-c alone takes
 * single quotes and NaN, keeps the last of two equal keys, and clamps large
 * numbers; each lets two readers see two documents in one, which matters
 * where bytes are signed or grant rights.
 *
 * Accepts exactly RFC 8259, and beyond that refuses: a byte order mark,
 * equal keys in one object (compared after unescaping), nesting over the
 * depth, more values or objects than the limits, text that is not UTF-8, lone
 * surrogates and \u0000 in strings, integers outside int64, numbers over 32
 * bytes long.
 */
#ifndef COMMON_JSON_JSCHECK_H
#define COMMON_JSON_JSCHECK_H

struct err;

struct jscheck_limits {
	size_t bytes;	/* of the whole text */
	size_t depth;	/* nested objects and arrays */
	size_t values;	/* objects, arrays, keys and scalars together */
	size_t objects; /* each is a table of 750 bytes in json-c, also {} */
};

/*
 * 0, E_TOOBIG (text over limits->bytes or 64 MB) or E_INVALID with a text that
 * names the fault and its byte offset. No limit lets more than 256 levels in.
 * Linear in n, but for the keys of one object (n log n). Needs no memory that
 * outlives it.
 */
int jscheck(const char *text, size_t n, const struct jscheck_limits *limits,
    struct err *err);

#endif
