/* dtr conf */
#include "common/base/base.h"

#include "cli/cli.h"
#include "cli/mask.h"
#include "common/base/err.h"
#include "common/base/pool.h"

#define MANUAL_MAX ((size_t)1 << 20)
#define MASKED     "********"

#define CONF_TEXT(member, key, def, help) key,
#define CONF_PATH(member, key, def, help)
#define CONF_NUMBER(member, key, def, min, max, help)
#define CONF_SIZE(member, key, def, min, max, help)
#define CONF_CHOICE(member, key, def, choices, help)
static const char *const text_keys[] = {
#include "common/conf/conf_keys.def"
};
#undef CONF_TEXT
#undef CONF_PATH
#undef CONF_NUMBER
#undef CONF_SIZE
#undef CONF_CHOICE

static bool
is_text(const char *key)
{
	for (size_t i = 0; i < COUNT_OF(text_keys); i++)
		if (strcmp(text_keys[i], key) == 0)
			return true;
	return false;
}

/* The keys' part of dtr.conf(5), for build-aux/update-manual. */
static int
put_manual(struct cli *cli)
{
	struct str text;

	str_init(&text, cli->pool, MANUAL_MAX);
	conf_put_manual(&text);
	if (!cli->json)
		fputs(text.p, stdout);
	jsw_str(&cli->w, "manual", text.p);
	return 0;
}

int
cmd_conf(struct cli *cli, struct err *err)
{
	const char *wanted = cli_option(cli, "key");
	const char *key, *value, *help;
	bool found = false;
	int rc;

	if (cli_option(cli, "manual") != NULL)
		return put_manual(cli);
	rc = cli_load_conf(cli, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0;
	     conf_item(&cli->conf, cli->pool, i, &key, &value, &help); i++) {
		if (wanted != NULL && strcmp(key, wanted) != 0)
			continue;
		found = true;
		if (mask_is_secret(key, is_text(key)))
			value = MASKED;
		jsw_str(&cli->w, key, value);
		if (wanted != NULL)
			cli_say(cli, "%s", value);
		else
			cli_say(cli, "# %s\n%s = %s", help, key, value);
	}
	if (!found)
		return cli_usage(
		    err, "no key \"%s\"; dtr conf shows them all", wanted);
	return 0;
}
