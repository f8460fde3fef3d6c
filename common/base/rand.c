#include "common/base/base.h"
#include "common/base/rand.h"

#include "common/base/enc.h"
#include "common/base/time.h"

void
rand_bytes(void *p, size_t n)
{
	arc4random_buf(p, n);
}

struct rand_id
rand_id_new(void)
{
	uint64_t ms = (uint64_t)time_now_us() / 1000;
	struct rand_id id;

	rand_bytes(id.bytes, sizeof(id.bytes));
	for (int i = 0; i < 6; i++)
		id.bytes[i] = (unsigned char)(ms >> (40 - 8 * i));
	id.bytes[6] = (unsigned char)(0x70 | (id.bytes[6] & 0x0f));
	id.bytes[8] = (unsigned char)(0x80 | (id.bytes[8] & 0x3f));
	return id;
}

void
rand_id_put(char text[RAND_ID_TEXT_SIZE], const struct rand_id *id)
{
	char hex[ENC_HEX_SIZE(RAND_ID_SIZE)];

	enc_put_hex(hex, id->bytes, sizeof(id->bytes));
	snprintf(text, RAND_ID_TEXT_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex,
	    hex + 8, hex + 12, hex + 16, hex + 20);
}

bool
rand_id_parse(struct rand_id *id_out, const char *text)
{
	char hex[RAND_ID_SIZE * 2];
	size_t n = 0;

	if (strlen(text) != RAND_ID_TEXT_SIZE - 1)
		return false;
	for (size_t i = 0; i < RAND_ID_TEXT_SIZE - 1; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (text[i] != '-')
				return false;
		} else {
			hex[n++] = text[i];
		}
	}
	return enc_parse_hex(id_out->bytes, sizeof(id_out->bytes), hex);
}

bool
rand_id_equal(const struct rand_id *a, const struct rand_id *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

uint32_t
rand_below(uint32_t limit)
{
	return arc4random_uniform(limit);
}
