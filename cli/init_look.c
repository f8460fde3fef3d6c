/* dtr init: what the database tells before anything is made */
#include "common/base/base.h"
#include "cli/init.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/model/q.h"
#include "common/model/token_key.h"

/* Two nodes at once would both find nothing. Some clusters refuse such locks. */
static int
lock_database(struct init *init, struct err *err)
{
	struct pool *pool = init->cli->pool;
	const char *name = init->cli->conf.db_name;
	const char *value;
	int rc = db_admin_ask(init->super, pool,
	    pool_printf(pool, "SELECT GET_LOCK('dtr.init.%s', 0)", name),
	    &value, err);

	if (rc == 0 && value != NULL && strcmp(value, "0") == 0)
		return err_set(err, E_BUSY,
		    "another dtr init sets up database \"%s\"; wait for its "
		    "end, then try again",
		    name);
	if (rc == E_BUSY)
		return rc;
	err_clear(err);
	return 0;
}

/* Has the table rows where this holds? Not if there is no such table. */
static int
has_rows(struct init *init, const char *table, const char *condition,
    struct err *err)
{
	struct pool *pool = init->cli->pool;
	const char *database = init->cli->conf.db_name;
	int is = init_ask(init,
	    pool_printf(pool,
		"SELECT COUNT(*) FROM information_schema.TABLES "
		"WHERE TABLE_SCHEMA = '%s' AND TABLE_NAME = '%s'",
		database, table),
	    err);

	if (is <= 0)
		return is;
	return init_ask(init,
	    pool_printf(pool, "SELECT EXISTS (SELECT 1 FROM `%s`.%s WHERE %s)",
		database, table, condition),
	    err);
}

/* Without tables it is what is left of a database that was dropped. */
static int
has_owner(struct init *init, struct err *err)
{
	int rc = has_rows(init, "schema_version", "TRUE", err);

	if (rc <= 0)
		return rc;
	return init_ask(init,
	    pool_printf(init->cli->pool,
		"SELECT COUNT(*) FROM mysql.user WHERE User = '%s_owner'",
		init->cli->conf.db_name),
	    err);
}

/* Does this cluster key not open the key of registry tokens? */
static int
is_other_key(
    struct init *init, const unsigned char *cluster_key, struct err *err)
{
	struct cli *cli = init->cli;
	struct db_options options;
	struct db *db;
	int rc;

	init_super_options(init, &options);
	options.database = cli->conf.db_name;
	options.stmts = q_stmts;
	options.stmt_count = Q_COUNT;
	db = db_new(&options);
	rc = token_key_opens(db, cli->pool, cluster_key, err);
	db_free(&db);
	return rc < 0 ? rc : rc == 0;
}

/* That of the owner: to make a new one would take it from other nodes. */
static bool
has_password(const struct cli *cli)
{
	return access(
		   pool_printf(cli->pool, "%s/db-owner", cli->conf.secrets_dir),
		   F_OK) == 0;
}

/* Was the database set up with other secrets than those of this node? */
static int
is_of_others(struct init *init, struct err *err)
{
	struct cli *cli = init->cli;
	const unsigned char *cluster_key;
	int rc =
	    token_key_cluster_key(&cli->conf, cli->pool, &cluster_key, err);
	bool has_key = rc == 0;

	if (rc < 0 && rc != E_NOTFOUND)
		return rc;
	err_clear(err);
	rc = has_key && has_password(cli) ? 0 : has_owner(init, err);
	if (rc != 0)
		return rc;
	rc = has_rows(init, "token_key", "TRUE", err);
	if (rc <= 0)
		return rc;
	return has_key ? is_other_key(init, cluster_key, err) : 1;
}

int
init_look(struct init *init, struct err *err)
{
	const struct conf *conf = &init->cli->conf;
	int rc = init_open_super(init, err);

	if (rc == 0)
		rc = lock_database(init, err);
	if (rc == 0 && cli_option(init->cli, "force") == NULL)
		rc = is_of_others(init, err);
	if (rc > 0)
		return err_set(err, E_CONFLICT,
		    "database \"%s\" was set up with other secrets: copy the "
		    "folder of secrets of the node that has them to \"%s\", "
		    "then run dtr init again; if they are lost for good, add "
		    "--force",
		    conf->db_name, conf->secrets_dir);
	if (rc == 0)
		rc = has_rows(init, "object", "state = 2", err);
	init->has_objects = rc > 0;
	return rc < 0 ? rc : 0;
}
