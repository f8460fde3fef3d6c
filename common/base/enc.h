/*
 * Text forms of bytes. Decoders are strict: the whole input must be valid,
 * hex is lower case, base64url has no padding, and unused bits are zero, so
 * that one value has one text.
 */
#ifndef COMMON_BASE_ENC_H
#define COMMON_BASE_ENC_H

struct pool;

#define ENC_HEX_SIZE(n) ((n) * 2 + 1) /* with the NUL */

/* Writes 2n digits and a NUL. */
void enc_put_hex(char *text, const void *p, size_t n);

/* Parses 2n digits at text into n bytes; false if one is not [0-9a-f]. */
bool enc_parse_hex(void *out, size_t n, const char *text);

/* base64url without padding (RFC 4648 section 5), and plain base64 with. */
char *enc_base64url(struct pool *pool, const void *p, size_t n);
char *enc_base64(struct pool *pool, const void *p, size_t n);

/* Decoded bytes (a NUL follows, not counted) or NULL if malformed. */
unsigned char *enc_parse_base64url(
    struct pool *pool, const char *text, size_t n, size_t *len_out);
unsigned char *enc_parse_base64(
    struct pool *pool, const char *text, size_t n, size_t *len_out);

/*
 * Length of the well-formed UTF-8 sequence at p (no surrogate, no overlong
 * form) and its code point; 0 if there is none within the n bytes.
 */
size_t enc_utf8_next(const void *p, size_t n, uint32_t *code_out);

/* Is it UTF-8 throughout? */
bool enc_is_utf8(const void *p, size_t n);

#endif
