/* dtr check: the database servers and what is in them */
#include "common/base/base.h"
#include "cli/check.h"

#include <sys/statvfs.h>

#include "cli/hosts.h"
#include "common/base/err.h"
#include "common/base/num.h"
#include "common/base/pool.h"
#include "common/base/time.h"
#include "common/conf/load.h"
#include "common/crypt/key.h"
#include "common/model/account.h"
#include "common/model/connections.h"
#include "common/model/model.h"
#include "common/model/schema.h"
#include "common/model/token_key.h"

#define SKEW_WARN_US TIME_SECOND
#define SKEW_FAIL_US (5 * TIME_SECOND)
#define DISK_WARN    ((uint64_t)1 << 30)
#define DISK_FAIL    ((uint64_t)100 << 20)

/* A number that the server answers; false if it does not. */
static bool
ask_number(struct check *check, struct db_admin *admin, const char *query,
    int64_t *number_out)
{
	struct err err = ERR_INIT;
	const char *value = NULL;

	return db_admin_ask(admin, check->cli->pool, query, &value, &err) ==
	    0 &&
	    value != NULL &&
	    num_parse_range(value, INT64_MIN, INT64_MAX, number_out);
}

static void
check_clock(struct check *check, struct db_admin *admin, const char *host)
{
	const char *what = "tokens need equal clocks: let chrony or ntpd run "
			   "on all nodes";
	int64_t before = time_now_us();
	int64_t theirs, skew;
	bool answered = ask_number(check, admin,
	    "SELECT CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED)",
	    &theirs);

	if (!answered) {
		check_report(check, CHECK_FAIL, "clock",
		    "%s does not tell its time", host);
		return;
	}
	skew = theirs - (before + (time_now_us() - before) / 2);
	if (skew < 0)
		skew = -skew;
	if (skew >= SKEW_WARN_US)
		check_report(check,
		    skew >= SKEW_FAIL_US ? CHECK_FAIL : CHECK_WARN, "clock",
		    "the clock of %s differs by %" PRId64 " ms; %s", host,
		    skew / 1000, what);
	else
		check_report(check, CHECK_OK, "clock",
		    "the clock of %s differs by %" PRId64 " ms", host,
		    skew / 1000);
}

/* Only where the folder of the server is one of this node. */
static void
check_disk(struct check *check, struct db_admin *admin, const char *host)
{
	struct err err = ERR_INIT;
	const char *folder = NULL;
	struct statvfs fs;
	uint64_t left;

	if (!hosts_is_local(host) ||
	    db_admin_ask(admin, check->cli->pool, "SELECT @@datadir", &folder,
		&err) < 0 ||
	    folder == NULL || statvfs(folder, &fs) < 0)
		return;
	left = (uint64_t)fs.f_bavail * fs.f_frsize;
	check_report(check,
	    left < DISK_FAIL       ? CHECK_FAIL
		: left < DISK_WARN ? CHECK_WARN
				   : CHECK_OK,
	    "database", "%" PRIu64 " MiB free for \"%s\"%s", left >> 20, folder,
	    left < DISK_WARN ? "; make space" : "");
}

static void
check_room(struct check *check, struct db_admin *admin, const char *host)
{
	struct load load = load_of(&check->cli->conf, NULL, load_cores());
	int64_t most;
	bool fits;

	if (!ask_number(check, admin, "SELECT @@max_connections", &most)) {
		check_report(check, CHECK_FAIL, "connections",
		    "%s does not tell max_connections", host);
		return;
	}
	fits = connections_fit_server(load.connections, most);
	check_report(check, fits ? CHECK_OK : CHECK_FAIL, "connections",
	    "%u processes open up to %u connections, max_connections of %s is "
	    "%" PRId64 "%s",
	    load.workers, load.connections, host, most,
	    fits ? "" : "; " CONNECTIONS_ADVICE);
}

static void
check_network(struct check *check)
{
	const struct conf *conf = &check->cli->conf;

	if (conf->db_ca[0] == '\0' &&
	    !hosts_are_local(check->cli->pool, conf->db_hosts))
		check_report(check, CHECK_WARN, "database",
		    "servers of other nodes are reached without TLS, so all "
		    "data can be read and changed on the way; set "
		    "database.ca_file");
}

static void
check_server(
    struct check *check, const struct db_options *options, const char *host)
{
	struct db_options one = *options;
	struct db_admin *admin = NULL;
	struct err err = ERR_INIT;
	const char *version = NULL;

	one.hosts = host;
	if (db_admin_open(&admin, &one, &err) < 0) {
		check_report_err(check, "database", &err,
		    "is it running, and did dtr init set it up");
		return;
	}
	if (db_admin_ask(admin, check->cli->pool, "SELECT VERSION()", &version,
		&err) < 0)
		check_report_err(check, "database", &err, NULL);
	else
		check_report(check, CHECK_OK, "database", "%s answers: %s",
		    host, version != NULL ? version : "?");
	check_clock(check, admin, host);
	check_room(check, admin, host);
	check_disk(check, admin, host);
	db_admin_close(&admin);
}

void
check_servers(struct check *check)
{
	struct cli *cli = check->cli;
	struct db_options options;
	struct err err = ERR_INIT;
	const char *host;

	/* a missing password was reported with the secrets */
	if (model_options(&cli->conf, cli->pool, "owner", &options, &err) < 0)
		return;
	check_network(check);
	for (size_t i = 0;
	     (host = hosts_item(cli->pool, cli->conf.db_hosts, i)) != NULL; i++)
		check_server(check, &options, host);
}

static void
check_user_room(struct check *check, struct db_admin *admin, const char *role,
    const char *user)
{
	struct load load = load_of(&check->cli->conf, role, load_cores());
	int64_t most;

	if (!ask_number(check, admin, "SELECT @@max_user_connections", &most))
		check_report(check, CHECK_FAIL, "connections",
		    "max_user_connections of user \"%s\" is not told", user);
	else if (!connections_fit_user(load.connections, most))
		check_report(check, CHECK_FAIL, "connections",
		    "%u processes log in as \"%s\" up to %u times at once, "
		    "its max_user_connections is %" PRId64
		    "; " CONNECTIONS_ADVICE,
		    load.workers, user, load.connections, most);
}

static void
check_user_rights(struct check *check, struct db_admin *self, const char *role,
    const char *user)
{
	const char *missing;
	struct err err = ERR_INIT;

	if (schema_lacks(self, check->cli->pool, role, &missing, &err) < 0)
		check_report_err(check, "database users", &err, NULL);
	else if (missing != NULL)
		check_report(check, CHECK_FAIL, "database users",
		    "user \"%s\" lacks rights: %.200s; run: dtr migrate", user,
		    missing);
}

/* May each program's user log in, with the password of its file, and do what
 * it has to? */
void
check_users(struct check *check)
{
	struct cli *cli = check->cli;
	unsigned good = 0;

	for (size_t i = 0; i < schema_role_count; i++) {
		struct db_admin *admin = NULL;
		struct db_options options;
		struct err err = ERR_INIT;

		/* a missing password was reported with the secrets */
		if (model_options(&cli->conf, cli->pool, schema_roles[i],
			&options, &err) < 0)
			continue;
		if (db_admin_open(&admin, &options, &err) < 0)
			check_report_err(check, "database users", &err,
			    err.code == E_DENIED
				? "dtr init --db-admin USER makes users and "
				  "sets their passwords"
				: NULL);
		else
			good++;
		if (admin != NULL) {
			check_user_rights(
			    check, admin, schema_roles[i], options.user);
			check_user_room(
			    check, admin, schema_roles[i], options.user);
		}
		db_admin_close(&admin);
	}
	if (good == schema_role_count)
		check_report(check, CHECK_OK, "database users",
		    "all %u may log in", good);
}

void
check_schema(struct check *check)
{
	struct cli *cli = check->cli;
	struct db_options owner;
	struct db_admin *admin = NULL;
	struct err err = ERR_INIT;
	int is, wanted;
	int rc = model_options(&cli->conf, cli->pool, "owner", &owner, &err);

	if (rc == 0)
		rc = db_admin_open(&admin, &owner, &err);
	if (rc == 0)
		rc = schema_version(admin, cli->pool, &is, &wanted, &err);
	db_admin_close(&admin);
	if (rc < 0)
		check_report_err(check, "schema", &err, NULL);
	else if (is < wanted)
		check_report(check, CHECK_FAIL, "schema",
		    "version %d, this program needs %d; run: dtr migrate", is,
		    wanted);
	else if (is > wanted)
		/* as in each upgrade: migrations add only */
		check_report(check, CHECK_WARN, "schema",
		    "version %d is newer than this program, which knows %d "
		    "and works with it until it is upgraded, too",
		    is, wanted);
	else
		check_report(check, CHECK_OK, "schema", "version %d", is);
}

/* Also proves that the cluster key is the one that sealed the token key. */
void
check_token_key(struct check *check)
{
	struct cli *cli = check->cli;
	const unsigned char *cluster_key;
	struct token_key signing;
	struct key *key = NULL;
	struct err err = ERR_INIT;
	int rc;

	/* what is wrong with the file was reported with the secrets */
	if (token_key_cluster_key(&cli->conf, cli->pool, &cluster_key, &err) <
	    0)
		return;
	rc = cli_open_db(cli, &err);
	if (rc == 0)
		rc = token_key_signing(
		    cli->db, cli->pool, cluster_key, &signing, &key, &err);
	key_free(&key);
	if (rc == E_INVALID)
		check_report_err(check, "token key", &err,
		    "cluster-key is not the one of this database: copy it "
		    "from another node; if it is lost for good, run dtr key "
		    "rotate --force");
	else if (rc < 0)
		check_report_err(check, "token key", &err, NULL);
	else
		check_report(
		    check, CHECK_OK, "token key", "%s signs", signing.kid);
}

void
check_admins(struct check *check)
{
	struct cli *cli = check->cli;
	struct err err = ERR_INIT;
	int64_t count;
	int rc = cli_open_db(cli, &err);

	if (rc == 0)
		rc = account_count_admins(cli->db, cli->pool, &count, &err);
	if (rc < 0)
		check_report_err(check, "administrator", &err, NULL);
	else if (count == 0)
		check_report(check, CHECK_WARN, "administrator",
		    "none who is active and has a password; run: dtr user "
		    "create NAME --admin, and dtr user passwd NAME");
	else
		check_report(check, CHECK_OK, "administrator",
		    "%" PRId64 " can log in", count);
}
