#include "common/base/base.h"
#include "cli/owner.h"

#include <grp.h>
#include <pwd.h>

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/conf/conf.h"

#define ENTRY_SIZE 4096

int
owner_find(
    const struct conf *conf, uid_t *uid_out, gid_t *gid_out, struct err *err)
{
	struct passwd entry, *found = NULL;
	char text[ENTRY_SIZE];

	*uid_out = geteuid();
	*gid_out = getegid();
	if (*uid_out != 0 || conf->node_user[0] == '\0')
		return 0;
	if (getpwnam_r(conf->node_user, &entry, text, sizeof(text), &found) !=
		0 ||
	    found == NULL)
		return err_set(err, E_NOTFOUND,
		    "user \"%s\" of node.user does not exist; make it, or "
		    "change the configuration file",
		    conf->node_user);
	*uid_out = entry.pw_uid;
	*gid_out = entry.pw_gid;
	return 0;
}

int
owner_become(const struct conf *conf, struct err *err)
{
	uid_t uid;
	gid_t gid;
	int rc = owner_find(conf, &uid, &gid, err);

	if (rc < 0 || uid == geteuid())
		return rc;
	if (initgroups(conf->node_user, gid) < 0 || setgid(gid) < 0 ||
	    setuid(uid) < 0) {
		int number = errno;

		err_set(err, E_INTERNAL, "cannot become user \"%s\"",
		    conf->node_user);
		return err_errno(err, number);
	}
	return 0;
}

const char *
owner_name(struct pool *pool, uid_t uid)
{
	struct passwd entry, *found = NULL;
	char text[ENTRY_SIZE];

	if (getpwuid_r(uid, &entry, text, sizeof(text), &found) == 0 &&
	    found != NULL)
		return pool_printf(pool, "%s", entry.pw_name);
	return pool_printf(pool, "%u", (unsigned)uid);
}
