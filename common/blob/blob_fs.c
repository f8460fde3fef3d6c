/* Objects as files: <root>/objects/<first two digits>/<key>. */
#include "common/base/base.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/mem.h"
#include "common/base/pool.h"
#include "common/blob/blob_driver.h"
#include "common/conf/conf.h"

/* bytes after which the kernel is asked to begin writing, so that the sync
 * at the end is short */
#define WRITE_BEHIND ((uint64_t)8 << 20)
/* bytes after which a writer looks again whether the reserve is free: many
 * write at once, and so much of each may go beyond */
#define SPACE_EVERY ((uint64_t)1 << 20)
#define FOLDER_MODE 0750
#define FILE_MODE 0640
/* "objects/xx/" and a key */
#define NAME_SIZE (11 + BLOB_KEY_SIZE + 4)
#define FOLDERS   256

struct fs_store {
	struct blob_store base;
	int root_fd;
	char *root;
	const char *sendfile; /* storage.sendfile */
	const char *accel_prefix;
	uint64_t reserve;
	/* whose own entry is known to be durable, whoever made it */
	atomic_bool is_durable[FOLDERS];
};

struct fs_writer {
	struct blob_writer base;
	int fd;
	char name[NAME_SIZE];
	uint64_t offset;
	uint64_t pushed;  /* up to here the kernel writes by itself */
	uint64_t checked; /* space was looked at here */
	bool is_new;	  /* the folder's entry is not durable yet */
	bool has_failed; /* the kernel tells of lost bytes only once */
};

struct fs_reader {
	struct blob_reader base;
	int fd;
};

static int
fault(struct err *err, const char *what, int number)
{
	if (number == ENOSPC || number == EDQUOT)
		return err_set(
		    err, E_FULL, "no space left in the blob store");
	/* a row says that it is there */
	if (number == ENOENT)
		err_set(err, E_INTERNAL, "the blob store has lost an object");
	else
		err_set(err, E_INTERNAL, "the blob store cannot %s", what);
	/* for this process alone, perhaps */
	if (number == EROFS)
		return err_cause(err,
		    "read-only file system; under systemd, is storage.root in "
		    "ReadWritePaths= of the unit?");
	return err_errno(err, number);
}

static void
put_name(char name[NAME_SIZE], const char *key)
{
	snprintf(name, NAME_SIZE, "objects/%.2s/%s", key, key);
}

/* "objects/xx" of such a name */
static void
put_folder(char folder[NAME_SIZE], const char *name)
{
	snprintf(folder, NAME_SIZE, "%.10s", name);
}

static const struct fs_store *
fs_of(const struct blob_store *store)
{
	return (const struct fs_store *)(const void *)store;
}

static struct fs_store *
fs_to_change(struct blob_store *store)
{
	return (struct fs_store *)(void *)store;
}

static int
check_space(const struct fs_store *fs, uint64_t *free_out, struct err *err)
{
	struct statvfs space;
	uint64_t available;

	if (fstatvfs(fs->root_fd, &space) < 0)
		return fault(err, "tell its free space", errno);
	available = (uint64_t)space.f_bavail * space.f_frsize;
	if (free_out != NULL)
		*free_out = available;
	if (available >= fs->reserve)
		return 0;
	err_set(err, E_FULL, "no space left in the blob store");
	return err_cause(err, "%" PRIu64 " bytes free, storage.reserve is "
			      "%" PRIu64,
	    available, fs->reserve);
}

static int
fs_open(struct blob_store **out, const struct conf *conf, struct err *err)
{
	struct fs_store *fs;
	int fd = open(
	    conf->storage_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		int number = errno;

		err_set(err, E_INVALID, "cannot open storage.root \"%s\"",
		    conf->storage_root);
		return err_errno(err, number);
	}
	/* the store of a file system that is not mounted must not look empty:
	 * so this folder is made by `dtr init` alone */
	if (faccessat(fd, "objects", X_OK, AT_EACCESS) < 0) {
		int number = errno;

		close(fd);
		err_set(err, E_INVALID,
		    "storage.root \"%s\" has no folder \"objects\": is the "
		    "file system mounted? (dtr init makes the folder of a new "
		    "store)",
		    conf->storage_root);
		return err_errno(err, number);
	}
	fs = mem_new(sizeof(*fs));
	fs->base.driver = &blob_fs;
	fs->root_fd = fd;
	fs->root = mem_strdup(conf->storage_root);
	fs->sendfile = conf->storage_sendfile;
	fs->accel_prefix = conf->storage_accel_prefix;
	fs->reserve = (uint64_t)conf->storage_reserve;
	*out = &fs->base;
	return 0;
}

static void
fs_close(struct blob_store *store)
{
	struct fs_store *fs = fs_to_change(store);

	close(fs->root_fd);
	mem_free(&fs->root);
	mem_free(&fs);
}

/* makes the entries of a folder below the root durable */
static int
sync_folder(const struct fs_store *fs, const char *name, struct err *err)
{
	int fd = openat(fs->root_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return fault(err, "open a folder", errno);
	if (fsync(fd) < 0)
		rc = fault(err, "sync a folder", errno);
	close(fd);
	return rc;
}

static int
create(const struct fs_store *fs, const char *name, struct err *err)
{
	int flags = O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC;
	int fd = openat(fs->root_fd, name, flags, FILE_MODE);
	char folder[NAME_SIZE];

	if (fd >= 0 || errno != ENOENT)
		return fd >= 0 ? fd : fault(err, "make an object", errno);
	put_folder(folder, name);
	if (mkdirat(fs->root_fd, folder, FOLDER_MODE) < 0 && errno != EEXIST)
		return fault(err, "make a folder", errno);
	fd = openat(fs->root_fd, name, flags, FILE_MODE);
	return fd >= 0 ? fd : fault(err, "make an object", errno);
}

/* an object that is there, cut to offset */
static int
go_on(const struct fs_store *fs, const char *name, uint64_t offset,
    struct err *err)
{
	int fd = openat(fs->root_fd, name, O_RDWR | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return fault(err, "open an object", errno);
	if (fstat(fd, &st) < 0 || (uint64_t)st.st_size < offset) {
		close(fd);
		err_set(err, E_INTERNAL, "the blob store has lost bytes");
		return err_cause(err,
		    "the object is shorter than %" PRIu64 " bytes", offset);
	}
	if ((uint64_t)st.st_size > offset &&
	    ftruncate(fd, (off_t)offset) < 0) {
		fault(err, "cut an object", errno);
		close(fd);
		return err->code;
	}
	return fd;
}

static int
fs_write_open(struct blob_store *store, const char *key, uint64_t offset,
    struct blob_writer **out, struct err *err)
{
	const struct fs_store *fs = fs_of(store);
	struct fs_writer *w;
	char name[NAME_SIZE];
	int fd;

	if (offset > INT64_MAX)
		return err_set(err, E_TOOBIG, "the object is too large");
	if (check_space(fs, NULL, err) < 0)
		return err->code;
	put_name(name, key);
	fd = offset == 0 ? create(fs, name, err)
			 : go_on(fs, name, offset, err);
	if (fd < 0)
		return fd;
	w = mem_new(sizeof(*w));
	w->base.store = store;
	w->fd = fd;
	memcpy(w->name, name, sizeof(name));
	w->offset = w->pushed = w->checked = offset;
	w->is_new = offset == 0;
	*out = &w->base;
	return 0;
}

static int
fs_write(struct blob_writer *writer, const void *p, size_t n, struct err *err)
{
	struct fs_writer *w = (struct fs_writer *)(void *)writer;
	const unsigned char *bytes = p;

	while (n > 0) {
		ssize_t done = pwrite(w->fd, bytes, n, (off_t)w->offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return fault(err, "write", errno);
		bytes += done;
		n -= (size_t)done;
		w->offset += (uint64_t)done;
	}
	if (w->offset - w->pushed >= WRITE_BEHIND) {
		/* a hint: a failure shows at the sync */
		(void)!sync_file_range(w->fd, (off_t)w->pushed,
		    (off_t)(w->offset - w->pushed), SYNC_FILE_RANGE_WRITE);
		w->pushed = w->offset;
	}
	if (w->offset - w->checked >= SPACE_EVERY) {
		w->checked = w->offset;
		return check_space(fs_of(writer->store), NULL, err);
	}
	return 0;
}

/* the object's entry in its folder and the folder's own: another process may
 * have made the folder and gone before it could sync that */
static int
sync_name(struct fs_store *fs, const char *name, struct err *err)
{
	unsigned char folder;
	char text[NAME_SIZE];

	ASSERT(enc_parse_hex(&folder, 1, name + strlen("objects/")));
	put_folder(text, name);
	if (sync_folder(fs, text, err) < 0)
		return err->code;
	if (atomic_load(&fs->is_durable[folder]))
		return 0;
	if (sync_folder(fs, "objects", err) < 0)
		return err->code;
	atomic_store(&fs->is_durable[folder], true);
	return 0;
}

static int
fs_write_sync(struct blob_writer *writer, struct err *err)
{
	struct fs_writer *w = (struct fs_writer *)(void *)writer;

	if (w->has_failed)
		return fault(err, "sync an object", EIO);
	if (fdatasync(w->fd) < 0) {
		w->has_failed = true;
		return fault(err, "sync an object", errno);
	}
	if (!w->is_new)
		return 0;
	if (sync_name(fs_to_change(writer->store), w->name, err) < 0) {
		w->has_failed = true;
		return err->code;
	}
	w->is_new = false;
	return 0;
}

static void
fs_write_close(struct blob_writer *writer)
{
	struct fs_writer *w = (struct fs_writer *)(void *)writer;

	close(w->fd);
	mem_free(&w);
}

static int
fs_read_open(struct blob_store *store, const char *key,
    struct blob_reader **out, uint64_t *size_out, struct err *err)
{
	const struct fs_store *fs = fs_of(store);
	char name[NAME_SIZE];
	struct fs_reader *r;
	struct stat st;
	int fd;

	put_name(name, key);
	fd = openat(fs->root_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fault(err, "open an object", errno);
	if (size_out != NULL) {
		if (fstat(fd, &st) < 0) {
			fault(err, "look at an object", errno);
			close(fd);
			return err->code;
		}
		*size_out = (uint64_t)st.st_size;
	}
	r = mem_new(sizeof(*r));
	r->base.store = store;
	r->fd = fd;
	*out = &r->base;
	return 0;
}

static int
fs_read(struct blob_reader *reader, uint64_t offset, void *p, size_t n,
    size_t *done_out, struct err *err)
{
	struct fs_reader *r = (struct fs_reader *)(void *)reader;
	ssize_t done;

	do
		done = pread(r->fd, p, n, (off_t)offset);
	while (done < 0 && errno == EINTR);
	if (done < 0)
		return fault(err, "read an object", errno);
	*done_out = (size_t)done;
	return 0;
}

static void
fs_read_close(struct blob_reader *reader)
{
	struct fs_reader *r = (struct fs_reader *)(void *)reader;

	close(r->fd);
	mem_free(&r);
}

/* durable, before its row goes: nobody would know of it if it came back */
static int
fs_remove(struct blob_store *store, const char *key, uint64_t *size_out,
    struct err *err)
{
	const struct fs_store *fs = fs_of(store);
	char name[NAME_SIZE], folder[NAME_SIZE];
	struct stat st = { 0 };

	put_name(name, key);
	put_folder(folder, name);
	(void)!fstatat(fs->root_fd, name, &st, 0);
	if (unlinkat(fs->root_fd, name, 0) < 0) {
		if (errno != ENOENT)
			return fault(err, "remove an object", errno);
		/* another node may have been faster, and tells it */
		st.st_size = 0;
	}
	if (size_out != NULL)
		*size_out = (uint64_t)st.st_size;
	if (faccessat(fs->root_fd, folder, F_OK, 0) < 0 && errno == ENOENT)
		return 0;
	return sync_folder(fs, folder, err);
}

static const char *
fs_sendfile_path(
    const struct blob_store *store, struct pool *pool, const char *key)
{
	const struct fs_store *fs = fs_of(store);
	char name[NAME_SIZE];

	put_name(name, key);
	if (strcmp(fs->sendfile, "accel") == 0)
		return pool_printf(pool, "%s%s", fs->accel_prefix, name);
	if (strcmp(fs->sendfile, "xsendfile") == 0)
		return pool_printf(pool, "%s/%s", fs->root, name);
	return NULL;
}

static int
fs_check_space(struct blob_store *store, struct err *err)
{
	return check_space(fs_of(store), NULL, err);
}

static int
fs_check(struct blob_store *store, uint64_t *free_out, struct err *err)
{
	const struct fs_store *fs = fs_of(store);
	char key[BLOB_KEY_SIZE], name[NAME_SIZE + 8];
	int rc = check_space(fs, free_out, err);
	int fd;

	if (rc < 0)
		return rc;
	blob_key_new(key);
	snprintf(name, sizeof(name), "objects/probe-%s", key);
	fd = openat(fs->root_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	    FILE_MODE);
	if (fd < 0)
		return fault(err, "be written to", errno);
	/* first: who dies here leaves no file */
	if (unlinkat(fs->root_fd, name, 0) < 0)
		rc = fault(err, "remove a file", errno);
	else if (write(fd, "probe", 5) != 5)
		rc = fault(err, "be written to", errno);
	close(fd);
	return rc;
}

const struct blob_driver blob_fs = {
	.name = "filesystem",
	.open = fs_open,
	.close = fs_close,
	.write_open = fs_write_open,
	.write = fs_write,
	.write_sync = fs_write_sync,
	.write_close = fs_write_close,
	.read_open = fs_read_open,
	.read = fs_read,
	.read_close = fs_read_close,
	.remove = fs_remove,
	.sendfile_path = fs_sendfile_path,
	.check_space = fs_check_space,
	.check = fs_check,
};
