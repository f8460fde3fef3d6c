#include "common/base/base.h"
#include "common/base/num.h"

bool
num_parse_u64(const char *p, size_t n, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (n == 0 || n > 20 || (n > 1 && p[0] == '0'))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		if (__builtin_mul_overflow(value, 10U, &value) ||
		    __builtin_add_overflow(
			value, (uint64_t)(p[i] - '0'), &value))
			return false;
	}
	if (value > max)
		return false;
	*out = value;
	return true;
}

bool
num_parse_range(const char *text, int64_t min, int64_t max, int64_t *out)
{
	bool negative = text[0] == '-';
	const char *digits = negative ? text + 1 : text;
	uint64_t value;
	int64_t number;

	/* also INT64_MIN, whose size is one more than INT64_MAX; no "-0" */
	if (!num_parse_u64(digits, strlen(digits),
		(uint64_t)INT64_MAX + negative, &value) ||
	    (negative && value == 0))
		return false;
	number = (int64_t)(negative ? 0 - value : value);
	if (number < min || number > max)
		return false;
	*out = number;
	return true;
}

size_t
num_put_u64(char text[NUM_TEXT_SIZE], uint64_t number)
{
	char digits[NUM_TEXT_SIZE];
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	for (size_t i = 0; i < n; i++)
		text[i] = digits[n - 1 - i];
	text[n] = '\0';
	return n;
}

size_t
num_put_i64(char text[NUM_TEXT_SIZE], int64_t number)
{
	uint64_t size = (uint64_t)number;

	if (number >= 0)
		return num_put_u64(text, size);
	text[0] = '-';
	/* two's complement: also right for INT64_MIN, and 19 digits fit */
	char rest[NUM_TEXT_SIZE];
	size_t n = num_put_u64(rest, 0 - size);

	memcpy(text + 1, rest, n + 1);
	return n + 1;
}
