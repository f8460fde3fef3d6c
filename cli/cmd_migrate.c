/* dtr migrate */
#include "common/base/base.h"

#include "cli/cli.h"
#include "common/base/err.h"
#include "common/model/model.h"
#include "common/model/schema.h"

/* schema_migrate() passes nothing of the caller's */
static const struct cli *migrate_cli;

static void
say_migration(int version, const char *name)
{
	cli_say(migrate_cli, "migration %d (%s)", version, name);
}

/* The programs' users come from the same host as the owner. */
static int
grant(struct cli *cli, const struct db_options *owner, struct err *err)
{
	struct db_admin *admin = NULL;
	const char *host = NULL;
	int rc = db_admin_open(&admin, owner, err);

	if (rc == 0)
		rc = db_admin_ask(admin, cli->pool,
		    "SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', -1)", &host,
		    err);
	if (rc == 0)
		rc = schema_grant(admin, cli->pool, cli->conf.db_name,
		    host != NULL ? host : "%", err);
	db_admin_close(&admin);
	return rc < 0 ? err_prefix(err,
			    "the tables are up to date, the "
			    "rights are not; run: dtr init")
		      : 0;
}

static int
get_versions(struct cli *cli, const struct db_options *owner, int *is,
    int *wanted, struct err *err)
{
	struct db_admin *admin = NULL;
	int rc = db_admin_open(&admin, owner, err);

	if (rc == 0)
		rc = schema_version(admin, cli->pool, is, wanted, err);
	db_admin_close(&admin);
	return rc;
}

static void
say_status(struct cli *cli, int is, int wanted)
{
	cli_say(cli, "the database has schema version %d, this program %d%s",
	    is, wanted,
	    is < wanted       ? "; run: dtr migrate"
		: is > wanted ? "; use a newer program"
			      : "");
	cli->exit_code = is == wanted ? CLI_OK : CLI_FAULT;
}

int
cmd_migrate(struct cli *cli, struct err *err)
{
	struct db_options owner;
	int is, wanted;
	int rc = cli_load_conf(cli, err);

	if (rc == 0)
		rc = model_options(&cli->conf, cli->pool, "owner", &owner, err);
	if (rc == 0 && cli_option(cli, "status") == NULL) {
		migrate_cli = cli;
		rc = schema_migrate(&owner, cli->pool, say_migration, err);
		if (rc == 0)
			rc = grant(cli, &owner, err);
	}
	if (rc == 0)
		rc = get_versions(cli, &owner, &is, &wanted, err);
	if (rc < 0)
		return rc;
	say_status(cli, is, wanted);
	jsw_int(&cli->w, "version", is);
	jsw_int(&cli->w, "wanted", wanted);
	return 0;
}
