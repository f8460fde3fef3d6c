/* dtr init: database, its users, tables and rights */
#include "common/base/base.h"
#include "cli/init.h"

#include "cli/hosts.h"
#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/model/model.h"
#include "common/model/schema.h"

#define NAME_MAX_LENGTH 32
#define SYNTAX_ERROR    1064

/* The name goes into statements that have no place for a parameter. */
static int
check_name(const char *name, struct err *err)
{
	size_t n = strlen(name);

	if (n < 1 || n > NAME_MAX_LENGTH ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != n)
		return err_set(err, E_INVALID,
		    "database.name \"%s\" is not valid: 1 to %d of a-z, 0-9 "
		    "and _",
		    name, NAME_MAX_LENGTH);
	return 0;
}

/* The host that follows, of those that there are users for; NULL: none. */
static int
next_host(
    struct init *init, const char *host, const char **out, struct err *err)
{
	struct pool *pool = init->cli->pool;

	return db_admin_ask(init->super, pool,
	    pool_printf(pool,
		"SELECT MIN(Host) FROM mysql.user WHERE User = '%s_owner' "
		"AND Host > %s",
		init->cli->conf.db_name,
		db_admin_quote(init->super, pool, host)),
	    out, err);
}

/* The users that are there stay the only ones. */
static int
choose_user_host(struct init *init, struct err *err)
{
	struct cli *cli = init->cli;
	bool is_local = hosts_are_local(cli->pool, cli->conf.db_hosts);
	const char *found;
	int rc;

	init->user_host = cli_option(cli, "db-user-host");
	if (init->user_host != NULL)
		return 0;
	rc = next_host(init, "", &found, err);
	if (rc < 0)
		return rc;
	if (found != NULL && strcmp(found, "localhost") == 0 && !is_local)
		return err_set(err, E_CONFLICT,
		    "the database users are for localhost alone, and "
		    "database.hosts names other machines: add --db-user-host "
		    "'%%', or the host that this node has for them");
	init->user_host = found != NULL ? found : is_local ? "localhost" : "%";
	return 0;
}

static int
super_is_refused(const struct init *init, struct err *err)
{
	const char *cause = pool_strdup(init->cli->pool, err->cause);

	err_set(err, E_DENIED,
	    "the database refuses the user \"%.64s\"; give its password with "
	    "--db-admin-password-file, or run this as the system user of that "
	    "name if the database knows it by the socket",
	    init->db_admin);
	return err_cause(err, "%s", cause);
}

void
init_super_options(const struct init *init, struct db_options *out)
{
	const struct conf *conf = &init->cli->conf;

	*out = (struct db_options){ .hosts = conf->db_hosts,
		.database = "",
		.user = init->db_admin,
		.password = init->db_admin_password != NULL
		    ? init->db_admin_password
		    : "",
		.ca_file = conf->db_ca,
		.connections = 1,
		.wait_ms = (unsigned)conf->db_wait_ms };
}

int
init_open_super(struct init *init, struct err *err)
{
	struct db_options options;
	int rc = check_name(init->cli->conf.db_name, err);

	if (rc < 0)
		return rc;
	init_super_options(init, &options);
	if (db_admin_open(&init->super, &options, err) == 0)
		return 0;
	return err->code == E_DENIED
	    ? super_is_refused(init, err)
	    : err_prefix(err, "database user \"%s\"", init->db_admin);
}

int
init_ask(struct init *init, const char *query, struct err *err)
{
	const char *value = NULL;
	int rc = db_admin_ask(init->super, init->cli->pool, query, &value, err);

	return rc < 0 ? rc : value != NULL && strcmp(value, "0") != 0;
}

static int
make_database(struct init *init, struct err *err)
{
	struct pool *pool = init->cli->pool;
	const char *name = init->cli->conf.db_name;
	int is = init_ask(init,
	    pool_printf(pool,
		"SELECT COUNT(*) FROM information_schema.SCHEMATA "
		"WHERE SCHEMA_NAME = %s",
		db_admin_quote(init->super, pool, name)),
	    err);
	int rc;

	if (is < 0)
		return is;
	rc = db_admin_run(init->super,
	    pool_printf(pool,
		"CREATE DATABASE IF NOT EXISTS `%s` "
		"CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
		name),
	    err);
	if (rc == 0)
		init_step(init, is ? "found" : "made", "database \"%s\"", name);
	return rc;
}

/*
 * A user with the password of its file. The password is set again each time:
 * files that were lost and made anew count.
 */
static int
make_user(struct init *init, const char *role, struct err *err)
{
	struct pool *pool = init->cli->pool;
	struct db_options options;
	const char *host = init->user_host;
	const char *password, *user;
	int is = 0;
	int rc = model_options(&init->cli->conf, pool, role, &options, err);

	if (rc < 0)
		return rc;
	password = db_admin_quote(init->super, pool, options.password);
	user = pool_printf(pool, "%s@%s",
	    db_admin_quote(init->super, pool, options.user),
	    db_admin_quote(init->super, pool, host));
	is = init_ask(init,
	    pool_printf(pool,
		"SELECT COUNT(*) FROM mysql.user "
		"WHERE User = %s AND Host = %s",
		db_admin_quote(init->super, pool, options.user),
		db_admin_quote(init->super, pool, host)),
	    err);
	if (is < 0)
		return is;
	/* another node may have made it meanwhile */
	rc = db_admin_run(init->super,
	    pool_printf(pool,
		"CREATE USER IF NOT EXISTS %s IDENTIFIED BY %s;\n"
		"ALTER USER %s IDENTIFIED BY %s;\n",
		user, password, user, password),
	    err);
	/* a server that does not like the statement may quote the password */
	if (rc < 0 && db_admin_errno(init->super) == SYNTAX_ERROR)
		return err_set(err, E_INTERNAL,
		    "the database does not understand how to make the user "
		    "%s@%s",
		    options.user, host);
	if (rc == 0)
		init_step(init, is ? "set" : "made",
		    is ? "password of database user %s@%s"
		       : "database user %s@%s",
		    options.user, host);
	return rc;
}

/* "_" stands for any character in the name of a database in GRANT */
static const char *
escape_name(struct pool *pool, const char *name)
{
	struct str out;

	str_init(&out, pool, 2 * NAME_MAX_LENGTH);
	for (; *name != '\0'; name++) {
		if (*name == '_')
			str_putc(&out, '\\');
		str_putc(&out, *name);
	}
	return out.p;
}

/* Passwords are none of the server's log of all statements; a superuser without
 * the right to say so must live with it. */
static void
keep_from_log(struct init *init)
{
	struct err ignored = ERR_INIT;

	if (db_admin_run(init->super, "SET SESSION sql_log_off = 1", &ignored) <
	    0)
		err_clear(&ignored);
}

/*
 * The owner may pass on its rights on this one database, so that a later
 * dtr migrate needs no superuser for new tables.
 */
static int
make_users(struct init *init, struct err *err)
{
	struct pool *pool = init->cli->pool;
	const char *name = init->cli->conf.db_name;
	int rc;

	keep_from_log(init);
	rc = make_user(init, "owner", err);
	for (size_t i = 0; rc == 0 && i < schema_role_count; i++)
		rc = make_user(init, schema_roles[i], err);
	if (rc < 0)
		return rc;
	return db_admin_run(init->super,
	    pool_printf(pool,
		"GRANT ALL PRIVILEGES ON `%s`.* TO %s@%s "
		"WITH GRANT OPTION",
		escape_name(pool, name),
		db_admin_quote(
		    init->super, pool, pool_printf(pool, "%s_owner", name)),
		db_admin_quote(init->super, pool, init->user_host)),
	    err);
}

/* At init->user_host, and at each other one that there are users for: in a
 * cluster they may be made for this machine and for others. */
static int
at_each_host(
    struct init *init, int (*fn)(struct init *, struct err *), struct err *err)
{
	const char *own = init->user_host, *host = "";
	int rc = fn(init, err);

	if (rc == 0)
		rc = next_host(init, host, &host, err);
	while (rc == 0 && host != NULL) {
		init->user_host = host;
		if (strcmp(host, own) != 0)
			rc = fn(init, err);
		if (rc == 0)
			rc = next_host(init, host, &host, err);
	}
	init->user_host = own;
	return rc;
}

/* no context argument: a command makes one migration at a time */
static struct init *init_migrating;

static void
say_migration(int version, const char *name)
{
	init_step(
	    init_migrating, "made", "schema version %d (%s)", version, name);
}

static int
make_tables(struct init *init, struct err *err)
{
	struct cli *cli = init->cli;
	struct db_options owner;
	int rc = model_options(&cli->conf, cli->pool, "owner", &owner, err);

	if (rc < 0)
		return rc;
	init_migrating = init;
	rc = schema_migrate(&owner, cli->pool, say_migration, err);
	if (rc == E_DENIED)
		return err_prefix(err,
		    "database user \"%s\" at host \"%s\" (see --db-user-host)",
		    owner.user, init->user_host);
	if (rc == 0)
		init_step(init, "found", "schema is up to date");
	return rc;
}

int
init_users(struct init *init, struct err *err)
{
	int rc = init_open_super(init, err);

	if (rc == 0)
		rc = at_each_host(init, make_users, err);
	db_admin_close(&init->super);
	return rc;
}

static int
set_rights(struct init *init, struct err *err)
{
	struct cli *cli = init->cli;

	return schema_grant(
	    init->super, cli->pool, cli->conf.db_name, init->user_host, err);
}

int
init_db(struct init *init, struct err *err)
{
	struct cli *cli = init->cli;
	int rc = choose_user_host(init, err);

	if (rc == 0)
		rc = make_database(init, err);
	if (rc == 0)
		rc = at_each_host(init, make_users, err);
	if (rc == 0)
		rc = make_tables(init, err);
	if (rc == 0)
		rc = at_each_host(init, set_rights, err);
	if (rc == 0)
		init_step(init, "set", "rights of the database users");
	db_admin_close(&init->super);
	return rc < 0 ? rc : cli_open_db(cli, err);
}
