/* dtr drain */
#include "common/base/base.h"

#include "cli/cli.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/pool.h"

static int
fault(struct err *err, const char *what, const char *path)
{
	int number = errno;

	err_set(err, E_INTERNAL, "cannot %s \"%s\"", what, path);
	return err_errno(err, number);
}

/* the programs look for the file alone: what is in it is for people */
static int
set(const char *file, bool on, struct err *err)
{
	static const char text[] =
	    "this node drains; end it by: dtr drain off\n";

	if (on)
		return io_write_file(file, text, sizeof(text) - 1, 0644, err);
	if (unlink(file) < 0 && errno != ENOENT)
		return fault(err, "remove", file);
	return 0;
}

static const char *
drain_file(const struct cli *cli)
{
	return pool_printf(cli->pool, "%s/" CONF_DRAIN_FILE, cli->conf.run_dir);
}

int
cli_is_draining(struct cli *cli, bool *on_out, struct err *err)
{
	const char *file = drain_file(cli);

	*on_out = access(file, F_OK) == 0;
	return *on_out || errno == ENOENT ? 0 : fault(err, "look for", file);
}

int
cmd_drain(struct cli *cli, struct err *err)
{
	const char *word = cli->args[0];
	bool on = strcmp(word, "on") == 0;
	bool is_question = strcmp(word, "status") == 0;
	int rc;

	if (!on && !is_question && strcmp(word, "off") != 0)
		return cli_usage(
		    err, "\"%s\" is none of on, off and status", word);
	rc = cli_load_conf(cli, err);
	if (rc < 0)
		return rc;
	rc = is_question ? cli_is_draining(cli, &on, err)
			 : set(drain_file(cli), on, err);
	if (rc < 0)
		return rc;
	cli_say(cli, "%s",
	    on ? "this node drains: /_ping and /readyz say 503; requests that "
		 "come are served"
	       : "this node is open: /_ping and /readyz say how it is");
	jsw_bool(&cli->w, "draining", on);
	return 0;
}
