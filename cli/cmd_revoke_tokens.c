/* dtr revoke-tokens */
#include "common/base/base.h"

#include "cli/cli.h"
#include "common/model/setting.h"

int
cmd_revoke_tokens(struct cli *cli, struct err *err)
{
	int rc = cli_open_db(cli, err);

	if (rc == 0)
		rc = setting_revoke_tokens(cli->db, err);
	if (rc < 0)
		return rc;
	cli_say(cli,
	    "registry tokens made until now are refused within a "
	    "second; clients get new ones by themselves");
	jsw_bool(&cli->w, "revoked", true);
	return 0;
}
