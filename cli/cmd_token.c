/* dtr token create */
#include "common/base/base.h"

#include "cli/cli.h"
#include "common/base/err.h"
#include "common/model/access_token.h"

static int
check_label(const char *label, struct err *err)
{
	if (label == NULL)
		return cli_usage(
		    err, "--label is missing: say what the token is for");
	return cli_check_words("label", label, err);
}

int
cmd_token_create(struct cli *cli, struct err *err)
{
	const char *label = cli_option(cli, "label");
	struct account account;
	const char *secret;
	int rc = check_label(label, err);

	if (rc == 0)
		rc = cli_open_db(cli, err);
	if (rc == 0)
		rc = account_find(
		    cli->db, cli->pool, cli->args[0], &account, err);
	if (rc < 0)
		return rc;
	if (account.kind != ACCOUNT_USER)
		return err_set(err, E_INVALID,
		    "account \"%s\" is an organisation: it cannot log in",
		    account.name);
	if (!account.is_active)
		return err_set(err, E_CONFLICT,
		    "user \"%s\" is not active; run: dtr user set %s "
		    "--active yes",
		    account.name, account.name);
	rc = access_token_create(
	    cli->db, cli->pool, &account.id, label, &secret, err);
	if (rc < 0)
		return rc;
	/* the secret alone on standard output, for scripts */
	cli_say(cli, "%s", secret);
	if (!cli->json)
		fprintf(stderr,
		    "dtr: the token is shown this once; it is the "
		    "password of a login as \"%s\"\n",
		    account.name);
	jsw_str(&cli->w, "user", account.name);
	jsw_str(&cli->w, "label", label);
	jsw_str(&cli->w, "secret", secret);
	return 0;
}
