/* dtr init: sets up a node step by step (init.h) */
#include "common/base/base.h"

#include <stdarg.h>

#include "cli/cli.h"
#include "cli/init.h"
#include "cli/secret.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/pool.h"
#include "common/crypt/passwd.h"
#include "common/db/db.h"
#include "common/model/account.h"
#include "common/model/token_key.h"

void
init_step(struct init *init, const char *did, const char *format, ...)
{
	struct cli *cli = init->cli;
	const char *text;
	va_list args;

	va_start(args, format);
	text = pool_vprintf(cli->pool, format, args);
	va_end(args);
	cli_say(cli, "%-6s %s", did, text);
	jsw_object(&cli->w, NULL);
	jsw_str(&cli->w, "did", did);
	jsw_str(&cli->w, "what", text);
	jsw_end(&cli->w);
}

int
init_read_super(struct init *init, struct err *err)
{
	struct cli *cli = init->cli;
	const char *file = cli_option(cli, "db-admin-password-file");

	init->db_admin = cli_option(cli, "db-admin");
	if (file != NULL && init->db_admin == NULL)
		return cli_usage(err,
		    "--db-admin-password-file is the password of --db-admin, "
		    "which is missing");
	return file == NULL ? 0
			    : secret_read(cli->pool, file,
				  "password of the database",
				  &init->db_admin_password, err);
}

static int
read_inputs(struct init *init, struct err *err)
{
	struct cli *cli = init->cli;
	const char *admin = cli_option(cli, "admin-password-file");
	const char *super = cli_option(cli, "db-admin-password-file");
	int rc;

	if (admin != NULL && super != NULL && strcmp(admin, "-") == 0 &&
	    strcmp(super, "-") == 0)
		return cli_usage(err,
		    "standard input holds one password: give a file to "
		    "--admin-password-file or --db-admin-password-file");
	rc = init_read_super(init, err);
	if (rc < 0)
		return rc;
	if (init->db_admin == NULL)
		return cli_usage(err,
		    "--db-admin is missing: a database user that may make "
		    "databases and users, usually root");
	if (cli_option(cli, "admin-user") != NULL)
		init->admin_name = cli_option(cli, "admin-user");
	rc = account_check_name(init->admin_name, err);
	if (rc == 0)
		rc = init_tls_check_names(init, err);
	/* a bad password is refused before anything is made */
	if (rc == 0 && admin != NULL)
		rc = secret_read_password(cli->pool, admin,
		    "administrator's password", &init->admin_password, err);
	return rc;
}

static int
say_key(struct init *init, const char *kid, const unsigned char *cluster_key,
    struct err *err)
{
	struct cli *cli = init->cli;
	int rc = token_key_opens(cli->db, cli->pool, cluster_key, err);

	if (rc < 0)
		return rc;
	init_step(init, "found", "key of registry tokens %s%s", kid,
	    rc == 1 ? ""
		    : ", which the new secrets do not open; run: dtr key "
		      "rotate --force");
	return 0;
}

static int
init_key(struct init *init, struct err *err)
{
	struct cli *cli = init->cli;
	const unsigned char *cluster_key;
	struct token_key *keys;
	const char *kid;
	size_t count;
	int rc =
	    token_key_cluster_key(&cli->conf, cli->pool, &cluster_key, err);

	if (rc == 0)
		rc = token_key_list(cli->db, cli->pool, &keys, &count, err);
	if (rc < 0)
		return rc;
	if (count > 0)
		return say_key(init, keys[0].kid, cluster_key, err);
	rc = token_key_create(cli->db, cli->pool, cluster_key, 0, 0, &kid, err);
	if (rc == 0)
		init_step(init, "made", "key of registry tokens %s", kid);
	return rc;
}

static int
make_admin(struct init *init, struct err *err)
{
	struct cli *cli = init->cli;
	struct account account = { .name = init->admin_name,
		.kind = ACCOUNT_USER,
		.is_admin = true,
		.is_active = true };
	char *hash;
	int rc = 0;

	if (init->admin_password == NULL)
		rc = secret_read_password(cli->pool, NULL,
		    pool_printf(cli->pool, "password of the new user %s",
			init->admin_name),
		    &init->admin_password, err);
	if (rc == 0)
		rc = passwd_hash(cli->pool, init->admin_password,
		    cli->conf.garant_password_method,
		    (unsigned)cli->conf.garant_password_cost, &hash, err);
	if (rc < 0)
		return rc;
	account.id = rand_id_new();
	rc = account_create(cli->db, &account, hash, err);
	if (rc == 0)
		init_step(init, "made", "administrator \"%s\"", account.name);
	return rc;
}

static int
init_admin(struct init *init, struct err *err)
{
	struct cli *cli = init->cli;
	struct account account;
	int64_t count;
	int rc = account_count_admins(cli->db, cli->pool, &count, err);

	if (rc < 0)
		return rc;
	if (count > 0) {
		init_step(init, "found", "%lld active administrator%s",
		    (long long)count, count == 1 ? "" : "s");
		return 0;
	}
	rc = account_find(cli->db, cli->pool, init->admin_name, &account, err);
	if (rc == 0)
		return err_set(err, E_CONFLICT,
		    "account \"%s\" exists and is no administrator who can "
		    "log in; run: dtr user set %s --admin yes --active yes "
		    "and dtr user passwd %s, or name another one with "
		    "--admin-user",
		    account.name, account.name, account.name);
	if (rc != E_NOTFOUND)
		return rc;
	err_clear(err);
	return make_admin(init, err);
}

static void
say_next(struct cli *cli)
{
	const char *file = cli_conf_file(cli);

	cli_say(cli,
	    "\nThis node is set up. Next:\n"
	    "  dtr check --conf %s\n"
	    "  dtr-registry -c %s\n"
	    "  dtr-garant -c %s\n"
	    "  dtr-api -c %s\n"
	    "and a web server with the certificate\n"
	    "  %s\n"
	    "that passes requests to the sockets\n"
	    "  %s\n"
	    "  %s\n"
	    "  %s\n"
	    "  %s\n"
	    "Clients trust %s; the registry is %s",
	    file, file, file, file, cli_beside_conf(cli, "tls/server.crt"),
	    cli->conf.registry_socket, cli->conf.registry_upload_socket,
	    cli->conf.garant_socket, cli->conf.api_socket,
	    cli_beside_conf(cli, "tls/ca.crt"),
	    cli->conf.external_url);
}

int
cmd_init(struct cli *cli, struct err *err)
{
	static int (*const steps[])(struct init *, struct err *) = {
		init_conf,
		init_folder,
		init_look,
		init_secrets,
		init_storage,
		init_tls,
		init_db,
		init_key,
		init_admin,
	};
	struct init init = { .cli = cli, .admin_name = "admin", .lock = -1 };
	int rc = read_inputs(&init, err);

	if (rc < 0)
		return rc;
	jsw_array(&cli->w, "steps");
	for (size_t i = 0; rc == 0 && i < COUNT_OF(steps); i++)
		rc = steps[i](&init, err);
	db_admin_close(&init.super);
	io_close(&init.lock);
	if (rc < 0)
		return rc;
	jsw_end(&cli->w);
	say_next(cli);
	return 0;
}
