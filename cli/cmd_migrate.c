/* dtr migrate */
#include "common/base/base.h"

#include "cli/cli.h"
#include "cli/hosts.h"
#include "cli/init.h"
#include "common/base/err.h"
#include "common/model/model.h"
#include "common/model/schema.h"

#define ORIGINS_MAX 16

/* schema_migrate() passes nothing of the caller's */
static const struct cli *migrate_cli;

static void
say_migration(int version, const char *name)
{
	cli_say(migrate_cli, "migration %d (%s)", version, name);
}

/* Of users: each server may see this node come from another one. */
struct origins {
	const char *hosts[ORIGINS_MAX];
	size_t count;
};

static void
add_origin(struct origins *origins, const char *host)
{
	for (size_t i = 0; i < origins->count; i++)
		if (strcmp(origins->hosts[i], host) == 0)
			return;
	if (origins->count < ORIGINS_MAX)
		origins->hosts[origins->count++] = host;
}

static int
find_origin(struct cli *cli, const struct db_options *owner,
    const char *servers, struct origins *out, struct err *err)
{
	struct db_options options = *owner;
	struct db_admin *admin = NULL;
	const char *host = NULL;
	int rc;

	options.hosts = servers;
	rc = db_admin_open(&admin, &options, err);
	if (rc == 0)
		rc = db_admin_ask(admin, cli->pool,
		    "SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', -1)", &host,
		    err);
	db_admin_close(&admin);
	if (rc == 0)
		add_origin(out, host != NULL ? host : "%");
	return rc;
}

/*
 * The programs' users come from the same hosts as the owner: from localhost to
 * this node's server, maybe from any to the others, of which some may be away.
 */
static int
find_origins(struct cli *cli, const struct db_options *owner,
    struct origins *out, struct err *err)
{
	const char *server;
	int rc;

	out->count = 0;
	rc = find_origin(cli, owner, owner->hosts, out, err);
	for (size_t i = 0; rc == 0 &&
	     (server = hosts_item(cli->pool, owner->hosts, i)) != NULL;
	     i++) {
		struct err ignored = ERR_INIT;

		find_origin(cli, owner, server, out, &ignored);
	}
	return rc;
}

/*
 * A program that is new in this version has no database user yet, and only a
 * superuser can make one.
 */
static int
make_users(struct cli *cli, struct init *init, const struct origins *origins,
    struct err *err)
{
	int rc;

	init->user_host = origins->hosts[0];
	jsw_array(&cli->w, "steps");
	rc = init_passwords(init, err);
	if (rc == 0)
		rc = init_users(init, err);
	if (rc == 0)
		jsw_end(&cli->w);
	return rc;
}

static int
grant(struct cli *cli, const struct db_options *owner,
    const struct origins *origins, struct err *err)
{
	struct db_admin *admin = NULL;
	int rc = db_admin_open(&admin, owner, err);

	for (size_t i = 0; rc == 0 && i < origins->count; i++)
		rc = schema_grant(admin, cli->pool, cli->conf.db_name,
		    origins->hosts[i], err);
	db_admin_close(&admin);
	if (rc == E_NOTFOUND)
		return err_set(err, E_NOTFOUND,
		    "the tables are up to date, but a program of this version "
		    "has no database user yet; run: dtr migrate --db-admin "
		    "USER, with a user who may make users, usually root");
	return rc < 0 ? err_prefix(err,
			    "the tables are up to date, the "
			    "rights are not; run: dtr init")
		      : 0;
}

/* From the users that this server lets this node in as, if it does. */
static int
take_rights_at(struct cli *cli, struct db_admin *admin, const char *server,
    struct err *err)
{
	struct conf conf = cli->conf;
	int rc;

	conf.db_hosts = server;
	rc = schema_revoke(admin, &conf, cli->pool, err);
	if (rc != E_BUSY && rc != E_DENIED)
		return rc;
	err_clear(err);
	return 0;
}

static int
take_rights(struct cli *cli, const struct db_options *owner, struct err *err)
{
	struct db_admin *admin = NULL;
	const char *server;
	int rc = db_admin_open(&admin, owner, err);

	if (rc == 0)
		rc = schema_revoke(admin, &cli->conf, cli->pool, err);
	for (size_t i = 0; rc == 0 &&
	     (server = hosts_item(cli->pool, owner->hosts, i)) != NULL;
	     i++)
		rc = take_rights_at(cli, admin, server, err);
	db_admin_close(&admin);
	return rc < 0 ? err_prefix(err,
			    "the tables are up to date, rights of an "
			    "earlier version are left")
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

static int
migrate(struct cli *cli, const struct db_options *owner,
    const struct origins *origins, struct err *err)
{
	int rc;

	migrate_cli = cli;
	rc = schema_migrate(owner, cli->pool, say_migration, err);
	if (rc == 0)
		rc = grant(cli, owner, origins, err);
	/* until somebody says so, programs of the version before may go on */
	if (rc == 0 && cli_option(cli, "finish") != NULL)
		rc = take_rights(cli, owner, err);
	return rc;
}

static void
say_status(struct cli *cli, int is, int wanted)
{
	cli_say(cli, "the database has schema version %d, this program %d%s",
	    is, wanted,
	    is < wanted       ? "; run: dtr migrate"
		: is > wanted ? "; only a newer one can migrate"
			      : "");
	cli->exit_code = is >= wanted ? CLI_OK : CLI_FAULT;
}

int
cmd_migrate(struct cli *cli, struct err *err)
{
	bool only_status = cli_option(cli, "status") != NULL;
	struct init init = { .cli = cli };
	struct origins origins;
	struct db_options owner;
	int is, wanted;
	int rc = init_read_super(&init, err);

	if (rc == 0 && only_status &&
	    (init.db_admin != NULL || cli_option(cli, "finish") != NULL))
		return cli_usage(err,
		    "--status changes nothing: leave out --db-admin and "
		    "--finish");
	if (rc == 0)
		rc = cli_load_conf(cli, err);
	if (rc == 0)
		rc = model_options(&cli->conf, cli->pool, "owner", &owner, err);
	if (rc == 0 && !only_status)
		rc = find_origins(cli, &owner, &origins, err);
	if (rc == 0 && init.db_admin != NULL)
		rc = make_users(cli, &init, &origins, err);
	if (rc == 0 && !only_status)
		rc = migrate(cli, &owner, &origins, err);
	if (rc == 0)
		rc = get_versions(cli, &owner, &is, &wanted, err);
	if (rc < 0)
		return rc;
	say_status(cli, is, wanted);
	jsw_int(&cli->w, "version", is);
	jsw_int(&cli->w, "wanted", wanted);
	return 0;
}
