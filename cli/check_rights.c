/* dtr check: who else may read or change the files of this node */
#include "common/base/base.h"
#include "cli/check.h"

#include <sys/stat.h>

#include "common/base/pool.h"

#define WRITE_OF_OTHERS  (S_IWGRP | S_IWOTH)
#define RIGHTS_OF_OTHERS (S_IRWXG | S_IRWXO)

/* Nothing is at fault if path has none of these bits, or is not there. */
static bool
check_mode(struct check *check, const char *what, const char *path,
    mode_t refused, const char *fault, const char *change)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		if (errno == ENOENT)
			return true;
		check_report(check, CHECK_FAIL, "file rights",
		    "%s \"%s\" cannot be looked at (%s); run dtr check as its "
		    "owner or as root",
		    what, path, strerrordesc_np(errno));
		return false;
	}
	if ((st.st_mode & refused) == 0)
		return true;
	check_report(check, CHECK_FAIL, "file rights",
	    "%s \"%s\" %s; run: chmod %s %s", what, path, fault, change, path);
	return false;
}

void
check_rights(struct check *check)
{
	struct cli *cli = check->cli;
	static const char *const keys[] = { "tls/server.key", "tls/ca.key" };
	bool good = true;

	for (size_t i = 0; i < COUNT_OF(keys); i++)
		good &= check_mode(check, "private key",
		    cli_beside_conf(cli, keys[i]), RIGHTS_OF_OTHERS,
		    "is open to its group or others", "0600");
	good &= check_mode(check, "configuration file", cli->conf.file,
	    WRITE_OF_OTHERS, "can be changed by its group or others", "go-w");
	good &= check_mode(check, "folder of blobs", cli->conf.storage_root,
	    S_IWOTH, "can be written to by all users", "o-w");
	if (good)
		check_report(check, CHECK_OK, "file rights",
		    "others can neither read private keys nor change "
		    "configuration and store");
}
