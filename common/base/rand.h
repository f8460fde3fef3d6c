/* Random bytes and ids, all from the kernel's generator. */
#ifndef COMMON_BASE_RAND_H
#define COMMON_BASE_RAND_H

#define RAND_ID_SIZE 16
#define RAND_ID_TEXT_SIZE 37 /* 8-4-4-4-12 digits and the NUL */

/* A row's id: a UUID of version 7 (RFC 9562), 16 bytes. */
struct rand_id {
	unsigned char bytes[RAND_ID_SIZE];
};

/* Fills n bytes; cannot fail. */
void rand_bytes(void *p, size_t n);

/* A new id, ordered by time to the millisecond and else random. */
struct rand_id rand_id_new(void);

void rand_id_put(char text[RAND_ID_TEXT_SIZE], const struct rand_id *id);

/* Parses the lower-case text form of any UUID; false if malformed. */
bool rand_id_parse(struct rand_id *id_out, const char *text);

bool rand_id_equal(const struct rand_id *a, const struct rand_id *b);

/* A number below limit, limit > 0; for pauses and picks, not for keys. */
uint32_t rand_below(uint32_t limit);

#endif
