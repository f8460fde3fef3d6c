/*
 * The configuration: any text is refused with a place, or gives values that
 * can be written down and read again.
 */
#include "common/base/base.h"
#include "tests/fuzz/fuzz.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/conf/conf.h"

#define NAME      "/etc/dtr/dtr.conf"
#define VALUE_MAX 4000 /* a path grows by its folder */

static void
check_again(struct pool *pool, const struct conf *conf)
{
	struct conf again;
	struct err err;
	struct str text;
	const char *key, *value, *other, *help;

	str_init(&text, pool, (size_t)1 << 20);
	for (size_t i = 0; conf_item(conf, pool, i, &key, &value, &help); i++) {
		if (strlen(value) > VALUE_MAX)
			return;
		str_printf(&text, "%s = %s\n", key, value);
	}
	ASSERT(!str_is_full(&text));
	ASSERT(conf_parse(&again, pool, NAME, text.p, text.len, &err) == 0);
	for (size_t i = 0; conf_item(conf, pool, i, &key, &value, &help); i++) {
		ASSERT(conf_item(&again, pool, i, &key, &other, &help));
		ASSERT(strcmp(value, other) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pool *pool = pool_new((size_t)64 << 20);
	struct conf conf;
	struct err err;
	int rc = conf_parse(&conf, pool, NAME, (const char *)data, n, &err);

	if (rc == 0) {
		check_again(pool, &conf);
	} else {
		ASSERT(rc == E_INVALID);
		ASSERT(strncmp(err.text, NAME ":", strlen(NAME ":")) == 0);
	}
	pool_free(&pool);
	return 0;
}
