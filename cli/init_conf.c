/* dtr init: the configuration file */
#include "common/base/base.h"
#include "cli/init.h"

#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/pool.h"

#define FILE_MAX ((size_t)64 << 10)

/* Appends "key = value" of one --set. */
static int
put_set(struct str *out, struct pool *pool, const char *set, struct err *err)
{
	size_t n = strcspn(set, "=");

	/* a line break would smuggle in a key of its own */
	for (const char *p = set; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return cli_usage(err,
			    "--set %.*s has a control character", (int)n,
			    cli_printable(pool, set));
	if (n == 0 || set[n] != '=')
		return cli_usage(
		    err, "--set must be KEY=VALUE, not \"%s\"", set);
	str_printf(out, "%.*s = %s\n", (int)n, set, set + n + 1);
	return 0;
}

/* The file that the --set options make, checked. */
static int
build(struct init *init, struct str *out, struct conf *conf, struct err *err)
{
	struct cli *cli = init->cli;
	const char *set;
	int rc;

	str_init(out, cli->pool, FILE_MAX);
	str_puts(out,
	    "# Configuration of this node, see dtr.conf(5).\n"
	    "# `dtr conf` shows all keys with their values.\n");
	for (size_t i = 0; (set = cli_option_at(cli, "set", i)) != NULL; i++) {
		rc = put_set(out, cli->pool, set, err);
		if (rc < 0)
			return rc;
	}
	if (str_is_full(out))
		return cli_usage(err, "the --set options are too long");
	return conf_parse(
	    conf, cli->pool, cli_conf_file(cli), out->p, out->len, err);
}

static const char *
find_value(struct init *init, const struct conf *conf, const char *key)
{
	const char *name, *value, *help;

	for (size_t i = 0;
	     conf_item(conf, init->cli->pool, i, &name, &value, &help); i++)
		if (strcmp(name, key) == 0)
			return value;
	return "";
}

/* The file is there: each --set must say what it says. */
static int
compare(struct init *init, const struct conf *wanted, struct err *err)
{
	struct cli *cli = init->cli;
	const char *set;

	for (size_t i = 0; (set = cli_option_at(cli, "set", i)) != NULL; i++) {
		size_t n = strcspn(set, "= ");
		const char *key = pool_memdup(cli->pool, set, n);
		const char *is = find_value(init, &cli->conf, key);

		if (strcmp(is, find_value(init, wanted, key)) != 0)
			return err_set(err, E_CONFLICT,
			    "\"%s\" says %s = %s, not %s; change the file, "
			    "or leave out --set",
			    cli_conf_file(cli), key, is,
			    find_value(init, wanted, key));
	}
	return 0;
}

/* Unless it is there, before or by another init that is as far. */
static int
make_file(struct cli *cli, const struct str *text, bool *is_there_out,
    struct err *err)
{
	const char *file = cli_conf_file(cli);
	int rc;

	*is_there_out = access(file, F_OK) == 0;
	if (*is_there_out)
		return 0;
	rc = io_make_dirs(cli_beside_conf(cli, ""), 0755, err);
	if (rc < 0)
		return rc;
	rc = io_write_new_file(file, text->p, text->len, 0644, err);
	*is_there_out = rc == E_EXISTS;
	if (!*is_there_out)
		return rc;
	err_clear(err);
	return 0;
}

int
init_conf(struct init *init, struct err *err)
{
	struct cli *cli = init->cli;
	struct conf wanted;
	struct str text;
	bool is_there;
	int rc = build(init, &text, &wanted, err);

	if (rc == 0)
		rc = make_file(cli, &text, &is_there, err);
	if (rc == 0)
		rc = cli_load_conf(cli, err);
	if (rc == 0 && is_there)
		rc = compare(init, &wanted, err);
	if (rc == 0)
		init_step(init, is_there ? "found" : "made",
		    "configuration file \"%s\"", cli_conf_file(cli));
	return rc;
}
