/* dtr init: the folder of secrets, one file each */
#include "common/base/base.h"
#include "cli/init.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "cli/owner.h"
#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/mem.h"
#include "common/base/pool.h"
#include "common/base/rand.h"
#include "common/model/schema.h"

#define PASSWORD_BYTES    16
#define CLUSTER_KEY_BYTES 32

static int
file_fault(struct err *err, const char *what, const char *path)
{
	int number = errno;

	err_set(err, E_INTERNAL, "cannot %s \"%s\"", what, path);
	return err_errno(err, number);
}

/* As it was made, and nothing else: a folder that others use, a file with
 * another name as well, or a link, may be somebody's trap. */
static bool
is_left_by_root(const struct stat *st, mode_t mode)
{
	return st->st_uid == 0 && st->st_gid == getegid() &&
	    (st->st_mode & 07777) == mode &&
	    (S_ISDIR(st->st_mode) ||
		(S_ISREG(st->st_mode) && st->st_nlink == 1));
}

/* What an init of root made, and was killed before it could give it away. */
static int
give_found(struct init *init, const char *path, mode_t mode, struct err *err)
{
	struct stat st;
	uid_t uid;
	gid_t gid;
	int fd;
	int rc = owner_find(&init->cli->conf, &uid, &gid, err);

	if (rc < 0 || uid == geteuid())
		return rc;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ELOOP ? 0 : file_fault(err, "open", path);
	if (fstat(fd, &st) < 0)
		rc = file_fault(err, "look at", path);
	else if (!is_left_by_root(&st, mode))
		rc = 0;
	else if (fchown(fd, uid, gid) < 0)
		rc = file_fault(err, "change the owner of", path);
	else
		init_step(init, "set", "owner of \"%s\"", path);
	close(fd);
	return rc;
}

/* A folder of this mode and owner; its parents are made as usual. 1 if it is
 * there. */
static int
make_folder(struct init *init, const char *what, const char *path, mode_t mode,
    struct err *err)
{
	struct pool *pool = init->cli->pool;
	const char *slash = strrchr(path, '/');
	uid_t uid;
	gid_t gid;
	int rc = owner_find(&init->cli->conf, &uid, &gid, err);

	if (rc == 0 && slash != NULL && slash != path)
		rc = io_make_dirs(
		    pool_memdup(pool, path, (size_t)(slash - path)), 0755, err);
	if (rc < 0)
		return rc;
	if (mkdir(path, mode) < 0) {
		if (errno != EEXIST)
			return file_fault(err, "make folder", path);
		rc = give_found(init, path, mode, err);
		return rc < 0 ? rc : 1;
	}
	if (lchown(path, uid, gid) < 0)
		return file_fault(err, "change the owner of", path);
	init_step(init, "made", "%s \"%s\"", what, path);
	return 0;
}

static int
refuse_folder(struct init *init, const char *path, uid_t is, uid_t wanted,
    struct err *err)
{
	struct pool *pool = init->cli->pool;
	const char *name = owner_name(pool, is);

	if (geteuid() != 0)
		return err_set(err, E_CONFLICT,
		    "folder \"%s\" belongs to user %s; run this as root%s%s",
		    path, name, is == 0 ? "" : " or as user ",
		    is == 0 ? "" : name);
	if (wanted == 0)
		return err_set(err, E_CONFLICT,
		    "folder \"%s\" belongs to user %s: set node.user = %s in "
		    "\"%s\", or run this as that user",
		    path, name, name, cli_conf_file(init->cli));
	return err_set(err, E_CONFLICT,
	    "folder \"%s\" belongs to user %s, not %s; run: chown -R %s %s",
	    path, name, owner_name(pool, wanted), owner_name(pool, wanted),
	    path);
}

/* The folder of secrets that was there: nobody else may look into it. */
static int
check_folder(struct init *init, const char *path, struct err *err)
{
	struct stat st;
	uid_t uid;
	gid_t gid;
	int rc = owner_find(&init->cli->conf, &uid, &gid, err);

	if (rc < 0)
		return rc;
	if (lstat(path, &st) < 0)
		return file_fault(err, "look at", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, E_CONFLICT, "\"%s\" is not a folder", path);
	if (st.st_uid != uid)
		return refuse_folder(init, path, st.st_uid, uid, err);
	if ((st.st_mode & 077) == 0) {
		init_step(init, "found", "folder of secrets \"%s\"", path);
		return 0;
	}
	if (chmod(path, 0700) < 0)
		return file_fault(err, "set the mode of", path);
	init_step(init, "set", "mode 0700 of \"%s\"", path);
	return 0;
}

/* size random bytes as hex digits, unless the file is there. */
static int
make_secret(struct init *init, const char *name, size_t size, struct err *err)
{
	struct pool *pool = init->cli->pool;
	const struct conf *conf = &init->cli->conf;
	const char *file = pool_printf(pool, "%s/%s", conf->secrets_dir, name);
	unsigned char bytes[CLUSTER_KEY_BYTES];
	char text[ENC_HEX_SIZE(CLUSTER_KEY_BYTES)];
	char *found;
	uid_t uid;
	gid_t gid;
	int rc = io_read_secret(pool, file, &found, err);

	if (rc == 0 && found[0] == '\0')
		return err_set(
		    err, E_INVALID, "file \"%s\" is empty; remove it", file);
	if (rc == 0) {
		init_step(init, "found", "secret \"%s\"", file);
		return give_found(init, file, 0600, err);
	}
	if (rc != E_NOTFOUND)
		return rc;
	err_clear(err);
	ASSERT(size <= sizeof(bytes));
	rand_bytes(bytes, size);
	enc_put_hex(text, bytes, size);
	text[2 * size] = '\n';
	rc = owner_find(conf, &uid, &gid, err);
	if (rc == 0)
		rc = io_write_file_for(
		    uid, gid, file, text, 2 * size + 1, 0600, err);
	mem_wipe(text, sizeof(text));
	mem_wipe(bytes, sizeof(bytes));
	if (rc == 0)
		init_step(init, "made", "secret \"%s\"", file);
	return rc;
}

int
init_passwords(struct init *init, struct err *err)
{
	struct pool *pool = init->cli->pool;
	int rc = make_secret(init, "db-owner", PASSWORD_BYTES, err);

	for (size_t i = 0; rc == 0 && i < schema_role_count; i++)
		rc = make_secret(init,
		    pool_printf(pool, "db-%s", schema_roles[i]),
		    PASSWORD_BYTES, err);
	return rc;
}

/* Where a file system knows no locks, nobody is kept out. */
static int
lock_folder(struct init *init, const char *folder, struct err *err)
{
	init->lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (init->lock < 0)
		return file_fault(err, "open", folder);
	if (flock(init->lock, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return err_set(err, E_BUSY,
		    "another dtr init has the folder \"%s\"; wait for its end, "
		    "then try again",
		    folder);
	return 0;
}

int
init_folder(struct init *init, struct err *err)
{
	const char *folder = init->cli->conf.secrets_dir;
	int rc = make_folder(init, "folder of secrets", folder, 0700, err);

	if (rc > 0)
		rc = check_folder(init, folder, err);
	return rc < 0 ? rc : lock_folder(init, folder, err);
}

int
init_secrets(struct init *init, struct err *err)
{
	int rc = init_passwords(init, err);

	if (rc == 0)
		rc = make_secret(init, "cluster-key", CLUSTER_KEY_BYTES, err);
	return rc;
}

int
init_storage(struct init *init, struct err *err)
{
	const char *folder = init->cli->conf.storage_root;
	const char *objects =
	    pool_printf(init->cli->pool, "%s/objects", folder);
	int rc;

	if (init->has_objects && access(objects, F_OK) < 0)
		return err_set(err, E_CONFLICT,
		    "there is no folder \"%s\", but the database knows objects "
		    "in it: is the file system mounted? If it is lost for good, "
		    "make that folder",
		    objects);
	rc = make_folder(init, "folder of blobs", folder, 0750, err);
	if (rc > 0)
		init_step(init, "found", "folder of blobs \"%s\"", folder);
	if (rc >= 0)
		rc = make_folder(init, "folder of objects", objects, 0750, err);
	return rc < 0 ? rc : 0;
}
