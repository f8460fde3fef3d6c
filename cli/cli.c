#include "common/base/base.h"
#include "cli/cli.h"

#include <stdarg.h>

#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/db/db.h"
#include "common/model/model.h"
#include "common/model/schema.h"

#define WORDS_MAX 255 /* bytes; of columns */

/* reason of errors that are about the call itself */
static const char usage_reason[] = "usage";

const char *
cli_option(const struct cli *cli, const char *name)
{
	for (size_t i = cli->given_count; i > 0; i--)
		if (strcmp(cli->given[i - 1].name, name) == 0)
			return cli->given[i - 1].value;
	return NULL;
}

const char *
cli_option_at(const struct cli *cli, const char *name, size_t i)
{
	for (size_t k = 0; k < cli->given_count; k++)
		if (strcmp(cli->given[k].name, name) == 0 && i-- == 0)
			return cli->given[k].value;
	return NULL;
}

int
cli_usage(struct err *err, const char *format, ...)
{
	char text[sizeof(err->text)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	err_set(err, E_INVALID, "%s", text);
	return err_reason(err, usage_reason);
}

bool
cli_is_usage(const struct err *err)
{
	return err->reason == usage_reason;
}

/* A path that stays good in what is printed and written. */
static const char *
full_path(struct pool *pool, const char *file)
{
	char folder[PATH_MAX];

	if (file[0] == '/' || getcwd(folder, sizeof(folder)) == NULL)
		return file;
	return pool_printf(pool, "%s/%s", folder, file);
}

int
cli_check_words(const char *what, const char *words, struct err *err)
{
	size_t n = strlen(words);

	if (n == 0 || n > WORDS_MAX)
		return cli_usage(
		    err, "a %s has 1 to %d bytes", what, WORDS_MAX);
	for (const char *p = words; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return cli_usage(
			    err, "a %s has no control characters", what);
	if (!enc_is_utf8(words, n))
		return cli_usage(err, "a %s is UTF-8", what);
	return 0;
}

const char *
cli_conf_file(const struct cli *cli)
{
	return full_path(cli->pool,
	    cli->conf_file != NULL ? cli->conf_file : conf_default_file());
}

const char *
cli_beside_conf(struct cli *cli, const char *name)
{
	const char *file = cli_conf_file(cli);
	const char *slash = strrchr(file, '/');

	if (slash == NULL)
		return pool_strdup(cli->pool, name);
	return pool_printf(
	    cli->pool, "%.*s/%s", (int)(slash - file), file, name);
}

int
cli_load_conf(struct cli *cli, struct err *err)
{
	struct conf conf;
	int rc;

	if (cli->conf.file != NULL)
		return 0;
	/* a file with a fault leaves no half configuration */
	rc = conf_load(&conf, cli->pool, cli_conf_file(cli), err);
	if (rc == E_NOTFOUND)
		return err_set(err, rc,
		    "there is no configuration file \"%s\"; name one with "
		    "--conf, or run: dtr init",
		    cli_conf_file(cli));
	if (rc == 0)
		cli->conf = conf;
	return rc;
}

int
cli_open_db(struct cli *cli, struct err *err)
{
	int rc = cli_load_conf(cli, err);

	if (rc < 0 || cli->db != NULL)
		return rc;
	rc = model_open(&cli->conf, "owner", &cli->db, err);
	if (rc == E_NOTFOUND)
		return err_prefix(err, "run: dtr init");
	return rc;
}

void
cli_check_tables(struct cli *cli, struct err *err)
{
	struct db_admin *admin = NULL;
	struct db_options owner;
	struct err ignored;
	int is, wanted;

	if (err->code != E_INTERNAL || cli->db == NULL)
		return;
	if (model_options(&cli->conf, cli->pool, "owner", &owner, &ignored) ==
		0 &&
	    db_admin_open(&admin, &owner, &ignored) == 0 &&
	    schema_version(admin, cli->pool, &is, &wanted, &ignored) == 0 &&
	    is < wanted)
		err_prefix(err, "run: dtr migrate");
	db_admin_close(&admin);
}
