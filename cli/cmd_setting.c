/* dtr setting list, get, set */
#include "common/base/base.h"

#include "cli/cli.h"
#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/model/setting.h"

enum setting_type {
	SETTING_IS_BOOL,
	SETTING_IS_NUMBER
};

struct item {
	const char *name;
	enum setting_type type;
	size_t offset; /* of its member */
	const char *help;
};

#define SETTING_BOOL(member, name, def, help) \
 { name, SETTING_IS_BOOL, offsetof(struct settings, member), help },
#define SETTING_NUMBER(member, name, def, min, max, help) \
 { name, SETTING_IS_NUMBER, offsetof(struct settings, member), help },
static const struct item items[] = {
#include "common/model/setting_keys.def"
};
#undef SETTING_BOOL
#undef SETTING_NUMBER

static const char *
value_text(
    struct pool *pool, const struct settings *settings, const struct item *item)
{
	const void *member = (const char *)settings + item->offset;

	switch (item->type) {
	case SETTING_IS_BOOL:
		return *(const bool *)member ? "true" : "false";
	case SETTING_IS_NUMBER:
		return pool_printf(pool, "%" PRId64, *(const int64_t *)member);
	}
	return "";
}

static int
load(struct cli *cli, struct settings *out, struct err *err)
{
	int rc = cli_open_db(cli, err);

	return rc < 0 ? rc : setting_load(cli->db, cli->pool, out, err);
}

int
cmd_setting_list(struct cli *cli, struct err *err)
{
	static const struct cli_column columns[] = {
		{ "name", CLI_TEXT },
		{ "value", CLI_TEXT },
		{ "help", CLI_TEXT },
	};
	struct settings settings;
	struct cli_table table;
	int rc = load(cli, &settings, err);

	if (rc < 0)
		return rc;
	cli_table_begin(&table, cli, "settings", columns, COUNT_OF(columns));
	for (size_t i = 0; i < COUNT_OF(items); i++)
		cli_table_row(&table,
		    (const char *const[]){ items[i].name,
			value_text(cli->pool, &settings, &items[i]),
			items[i].help });
	cli_table_end(&table);
	return 0;
}

static const struct item *
find_item(const char *name, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(items); i++)
		if (strcmp(items[i].name, name) == 0)
			return &items[i];
	err_set(err, E_NOTFOUND,
	    "no setting \"%s\"; dtr setting list shows them", name);
	return NULL;
}

static void
put_value(struct cli *cli, const char *name, const char *value)
{
	jsw_str(&cli->w, "name", name);
	jsw_str(&cli->w, "value", value);
}

int
cmd_setting_get(struct cli *cli, struct err *err)
{
	const struct item *item = find_item(cli->args[0], err);
	struct settings settings;
	const char *value;
	int rc;

	if (item == NULL)
		return err->code;
	rc = load(cli, &settings, err);
	if (rc < 0)
		return rc;
	value = value_text(cli->pool, &settings, item);
	cli_say(cli, "%s", value);
	put_value(cli, item->name, value);
	return 0;
}

int
cmd_setting_set(struct cli *cli, struct err *err)
{
	const struct item *item = find_item(cli->args[0], err);
	const char *value = cli->args[1];
	int rc;

	if (item == NULL)
		return err->code;
	/* a lower number would bring revoked tokens back */
	if (item->offset == offsetof(struct settings, token_generation))
		return cli_usage(err,
		    "setting \"%s\" only grows; run: dtr revoke-tokens",
		    item->name);
	rc = cli_open_db(cli, err);
	if (rc == 0)
		rc = setting_set(cli->db, item->name, value, err);
	if (rc < 0)
		return rc;
	cli_say(cli, "%s is %s, on all replicas within a second", item->name,
	    value);
	put_value(cli, item->name, value);
	return 0;
}
