#include "common/base/base.h"
#include "cli/mask.h"

bool
mask_is_secret(const char *key, bool is_text)
{
	static const char *const words[] = { "password", "secret", "key" };
	const char *dot = strchr(key, '.');

	if (!is_text)
		return false;
	/* the section's name says nothing about the value */
	if (dot != NULL)
		key = dot + 1;
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (strstr(key, words[i]) != NULL)
			return true;
	return false;
}
