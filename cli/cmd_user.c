/* dtr user create, passwd, list, set */
#include "common/base/base.h"

#include "cli/cli.h"
#include "cli/secret.h"
#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/crypt/passwd.h"
#include "common/model/account.h"

#define PAGE 500

static int
hash_password(
    struct cli *cli, const char *password, char **hash_out, struct err *err)
{
	return passwd_hash(cli->pool, password,
	    cli->conf.garant_password_method,
	    (unsigned)cli->conf.garant_password_cost, hash_out, err);
}

/* What cannot be together, and the names, before anything is asked. */
static int
check_create(const struct cli *cli, struct err *err)
{
	const char *full_name = cli_option(cli, "full-name");
	bool org = cli_option(cli, "org") != NULL;
	int rc = full_name != NULL
	    ? cli_check_words("full name", full_name, err)
	    : 0;

	if (rc < 0)
		return rc;
	if (org && cli_option(cli, "admin") != NULL)
		return cli_usage(
		    err, "an organisation cannot be an administrator");
	if (org && cli_option(cli, "password-file") != NULL)
		return cli_usage(err, "an organisation has no password");
	return account_check_name(cli->args[0], err);
}

int
cmd_user_create(struct cli *cli, struct err *err)
{
	const char *file = cli_option(cli, "password-file");
	bool org = cli_option(cli, "org") != NULL;
	struct account account = { .name = cli->args[0],
		.kind = org ? ACCOUNT_ORG : ACCOUNT_USER,
		.full_name = cli_option(cli, "full-name"),
		.is_admin = cli_option(cli, "admin") != NULL,
		.is_active = true };
	const char *password = NULL;
	char *hash = NULL;
	int rc = check_create(cli, err);

	if (rc == 0 && file != NULL)
		rc = secret_read_password(
		    cli->pool, file, "password", &password, err);
	if (rc == 0)
		rc = cli_open_db(cli, err);
	if (rc == 0 && password != NULL)
		rc = hash_password(cli, password, &hash, err);
	if (rc < 0)
		return rc;
	account.id = rand_id_new();
	rc = account_create(cli->db, &account, hash, err);
	if (rc < 0)
		return rc;
	cli_say(
	    cli, "%s \"%s\" made", org ? "organisation" : "user", account.name);
	if (!org && hash == NULL)
		cli_say(cli,
		    "the user cannot log in yet; run: dtr user "
		    "passwd %s",
		    account.name);
	jsw_str(&cli->w, "name", account.name);
	jsw_str(&cli->w, "kind", org ? "organisation" : "user");
	jsw_bool(&cli->w, "admin", account.is_admin);
	jsw_bool(&cli->w, "password", hash != NULL);
	return 0;
}

int
cmd_user_passwd(struct cli *cli, struct err *err)
{
	const char *password;
	struct account account;
	char *hash;
	int rc = cli_open_db(cli, err);

	if (rc == 0)
		rc = account_find(
		    cli->db, cli->pool, cli->args[0], &account, err);
	if (rc < 0)
		return rc;
	if (account.kind != ACCOUNT_USER)
		return err_set(err, E_INVALID,
		    "account \"%s\" is an organisation: it has no password",
		    account.name);
	rc = secret_read_password(cli->pool, cli_option(cli, "password-file"),
	    "new password", &password, err);
	if (rc == 0)
		rc = hash_password(cli, password, &hash, err);
	if (rc == 0)
		rc = account_set_password(cli->db, &account.id, hash, err);
	if (rc < 0)
		return rc;
	cli_say(cli, "password of \"%s\" changed, earlier logins ended",
	    account.name);
	jsw_str(&cli->w, "name", account.name);
	jsw_bool(&cli->w, "changed", true);
	return 0;
}

static const char *
yes_no(bool value)
{
	return value ? "yes" : "no";
}

int
cmd_user_list(struct cli *cli, struct err *err)
{
	static const struct cli_column columns[] = {
		{ "name", CLI_TEXT },
		{ "kind", CLI_TEXT },
		{ "admin", CLI_BOOL },
		{ "active", CLI_BOOL },
		{ "full_name", CLI_TEXT },
	};
	struct account *accounts;
	struct cli_table table;
	const char *after = "";
	size_t count;
	int rc = cli_open_db(cli, err);

	cli_table_begin(&table, cli, "users", columns, COUNT_OF(columns));
	do {
		if (rc == 0)
			rc = account_list(cli->db, cli->pool, after, PAGE,
			    &accounts, &count, err);
		if (rc == 0)
			rc = cli_table_room(&table, count, err);
		if (rc < 0)
			return rc;
		for (size_t i = 0; i < count; i++) {
			const struct account *a = &accounts[i];

			after = a->name;
			cli_table_row(&table,
			    (const char *const[]){ a->name,
				a->kind == ACCOUNT_ORG ? "organisation"
						       : "user",
				yes_no(a->is_admin), yes_no(a->is_active),
				a->full_name });
		}
	} while (count == PAGE);
	cli_table_end(&table);
	return 0;
}

/* *value_out stays when the option was not given. */
static int
option_yes_no(
    const struct cli *cli, const char *name, bool *value_out, struct err *err)
{
	const char *value = cli_option(cli, name);

	if (value == NULL)
		return 0;
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return cli_usage(
		    err, "--%s must be yes or no, not \"%s\"", name, value);
	*value_out = strcmp(value, "yes") == 0;
	return 0;
}

int
cmd_user_set(struct cli *cli, struct err *err)
{
	bool admin, active, less;
	struct account_change change = {
		.is_admin = cli_option(cli, "admin") != NULL ? &admin : NULL,
		.is_active = cli_option(cli, "active") != NULL ? &active : NULL,
	};
	struct account account;
	int rc;

	if (cli->given_count == 0)
		return cli_usage(err, "give --admin, --active or both");
	rc = option_yes_no(cli, "admin", &admin, err);
	if (rc == 0)
		rc = option_yes_no(cli, "active", &active, err);
	if (rc == 0)
		rc = cli_open_db(cli, err);
	if (rc == 0)
		rc = account_find(
		    cli->db, cli->pool, cli->args[0], &account, err);
	if (rc == 0 && account.kind == ACCOUNT_ORG && change.is_admin != NULL &&
	    admin)
		rc = err_set(err, E_INVALID,
		    "organisation \"%s\" cannot be an administrator",
		    account.name);
	if (rc == 0)
		rc = account_set_flags(cli->db, &account.id, &change, err);
	if (rc == E_CONFLICT)
		return err_set(err, rc,
		    "\"%s\" is the last system administrator who can log in; "
		    "make another one first, with a password: dtr user create "
		    "NAME --admin --password-file FILE",
		    account.name);
	if (rc < 0)
		return rc;
	less = account_has_less(&change.before, &change.after);
	cli_say(cli, "\"%s\": admin %s, active %s%s", account.name,
	    yes_no(change.after.is_admin), yes_no(change.after.is_active),
	    less ? "; registry tokens made until now are refused" : "");
	jsw_str(&cli->w, "name", account.name);
	jsw_bool(&cli->w, "admin", change.after.is_admin);
	jsw_bool(&cli->w, "active", change.after.is_active);
	jsw_bool(&cli->w, "revoked", less);
	return 0;
}
