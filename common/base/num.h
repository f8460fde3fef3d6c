/*
 * Strict numbers: decimal digits only, no sign but a leading '-' where said,
 * no space, no leading zeros beyond a single "0", no "-0", nothing behind: one
 * number has one text. *out stays as it was when the answer is false.
 */
#ifndef COMMON_BASE_NUM_H
#define COMMON_BASE_NUM_H

#define NUM_TEXT_SIZE 24 /* any 64-bit number and its NUL */

/* Parses all n bytes at p; false if malformed or above max. */
bool num_parse_u64(const char *p, size_t n, uint64_t max, uint64_t *out);

/* As above, from a NUL-terminated text and with a lower bound. */
bool num_parse_range(const char *text, int64_t min, int64_t max, int64_t *out);

/* Writes the number and a NUL; returns the length without the NUL. */
size_t num_put_u64(char text[NUM_TEXT_SIZE], uint64_t number);
size_t num_put_i64(char text[NUM_TEXT_SIZE], int64_t number);

#endif
