#include "common/base/base.h"
#include "common/base/io.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/rand.h"

#define SECRET_MAX_SIZE ((size_t)64 << 10)

int
io_write_all(int fd, const void *p, size_t n, struct err *err)
{
	const unsigned char *bytes = p;

	while (n > 0) {
		ssize_t done = write(fd, bytes, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0) {
			bool full = errno == ENOSPC || errno == EDQUOT;
			int number = errno;

			err_set(err, full ? E_FULL : E_INTERNAL,
			    "write failed");
			return err_errno(err, number);
		}
		bytes += done;
		n -= (size_t)done;
	}
	return 0;
}

static int
file_error(struct err *err, const char *what, const char *path)
{
	int number = errno;
	enum err_code code = number == ENOENT ? E_NOTFOUND
	    : number == ENOSPC || number == EDQUOT ? E_FULL
						   : E_INTERNAL;

	err_set(err, code, "cannot %s \"%s\"", what, path);
	return err_errno(err, number);
}

static int
too_large(struct err *err, const char *path, size_t max)
{
	return err_set(
	    err, E_TOOBIG, "file \"%s\" is larger than %zu bytes", path, max);
}

/* the path last and cut: the error has less room than it may need */
static int
too_long(struct err *err, const char *path)
{
	return err_set(
	    err, E_INVALID, "the path is too long: \"%.100s...\"", path);
}

static int
read_all(int fd, char *text, size_t max, size_t *len_out)
{
	size_t len = 0;

	while (len < max) {
		ssize_t n = read(fd, text + len, max - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*len_out = len;
	return 0;
}

static int
read_open_file(struct pool *pool, int fd, const char *path, bool secret,
    size_t max, char **text_out, size_t *len_out, struct err *err)
{
	struct stat st;
	char *text;
	size_t len, size;

	if (fstat(fd, &st) < 0)
		return file_error(err, "look at", path);
	if (S_ISDIR(st.st_mode))
		return err_set(err, E_INVALID,
		    "\"%s\" is a folder; give the path of a file", path);
	if (secret && (st.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) != 0)
		return err_set(err, E_DENIED,
		    "file \"%s\" holds a secret and is open to others; "
		    "run: chmod 0600 %s",
		    path, path);
	if (st.st_size > (off_t)max)
		return too_large(err, path, max);
	/* one more than its size shows a file that has grown; a pipe has 0 */
	size = S_ISREG(st.st_mode) ? (size_t)st.st_size + 1 : max + 1;
	text = secret ? pool_secret(pool, size + 1)
		      : pool_alloc(pool, size + 1);
	if (read_all(fd, text, size, &len) < 0)
		return file_error(err, "read", path);
	if (len > max)
		return too_large(err, path, max);
	if (len == size)
		return err_set(err, E_CONFLICT,
		    "file \"%s\" grew while it was read; try again", path);
	*text_out = text;
	if (len_out != NULL)
		*len_out = len;
	return 0;
}

int
io_read_file(struct pool *pool, const char *path, size_t max, char **text_out,
    size_t *len_out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return file_error(err, "open", path);
	rc = read_open_file(
	    pool, fd, path, false, max, text_out, len_out, err);
	close(fd);
	return rc;
}

size_t
io_cut_newlines(char *text, size_t n)
{
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		text[--n] = '\0';
	return n;
}

int
io_read_secret(
    struct pool *pool, const char *path, char **text_out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	int rc;

	if (fd < 0)
		return file_error(err, "open", path);
	rc = read_open_file(
	    pool, fd, path, true, SECRET_MAX_SIZE, text_out, &len, err);
	close(fd);
	if (rc < 0)
		return rc;
	len = io_cut_newlines(*text_out, len);
	/* the part before it would be taken for the whole */
	if (strlen(*text_out) != len)
		return err_set(err, E_INVALID,
		    "file \"%s\" holds a NUL byte; a secret is text", path);
	return 0;
}

static int
write_and_sync(int fd, const char *path, const void *p, size_t n, mode_t mode,
    struct err *err)
{
	int rc = io_write_all(fd, p, n, err);

	if (rc < 0)
		return err_prefix(err, "file \"%s\"", path);
	if (fchmod(fd, mode) < 0)
		return file_error(err, "set the mode of", path);
	if (fdatasync(fd) < 0)
		return file_error(err, "sync", path);
	return 0;
}

/* not asked for, it is not called: a program's unit forbids it */
static int
give(int fd, uid_t uid, gid_t gid, const char *path, struct err *err)
{
	if (uid == (uid_t)-1 && gid == (gid_t)-1)
		return 0;
	return fchown(fd, uid, gid) < 0
	    ? file_error(err, "change the owner of", path)
	    : 0;
}

/* is_new: of two at once one finds that the other's file is there */
static int
put_in_place(const char *beside, const char *path, bool is_new, struct err *err)
{
	if (!is_new)
		return rename(beside, path) < 0
		    ? file_error(err, "rename to", path)
		    : 0;
	if (link(beside, path) == 0)
		return unlink(beside) < 0 ? file_error(err, "remove", beside)
					  : 0;
	if (errno == EEXIST)
		return err_set(
		    err, E_EXISTS, "file \"%s\" is there already", path);
	return file_error(err, "link to", path);
}

static int
write_file(uid_t uid, gid_t gid, const char *path, const void *p, size_t n,
    mode_t mode, bool is_new, struct err *err)
{
	char beside[PATH_MAX], folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int fd, rc;

	if (snprintf(beside, sizeof(beside), "%s.%08x", path,
		rand_below(UINT32_MAX)) >= (int)sizeof(beside))
		return too_long(err, path);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return file_error(err, "create", beside);
	rc = give(fd, uid, gid, beside, err);
	if (rc == 0)
		rc = write_and_sync(fd, path, p, n, mode, err);
	close(fd);
	if (rc == 0)
		rc = put_in_place(beside, path, is_new, err);
	if (rc < 0) {
		unlink(beside);
		return rc;
	}
	if (slash == NULL)
		return io_sync_dir(".", err);
	snprintf(folder, sizeof(folder), "%.*s",
	    slash == path ? 1 : (int)(slash - path), path);
	return io_sync_dir(folder, err);
}

int
io_write_file(
    const char *path, const void *p, size_t n, mode_t mode, struct err *err)
{
	return write_file((uid_t)-1, (gid_t)-1, path, p, n, mode, false, err);
}

int
io_write_file_for(uid_t uid, gid_t gid, const char *path, const void *p,
    size_t n, mode_t mode, struct err *err)
{
	return write_file(uid, gid, path, p, n, mode, false, err);
}

int
io_write_new_file(
    const char *path, const void *p, size_t n, mode_t mode, struct err *err)
{
	return write_file((uid_t)-1, (gid_t)-1, path, p, n, mode, true, err);
}

int
io_sync_dir(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return file_error(err, "open", path);
	if (fsync(fd) < 0)
		rc = file_error(err, "sync", path);
	close(fd);
	return rc;
}

int
io_make_dirs(const char *path, mode_t mode, struct err *err)
{
	char part[PATH_MAX];
	size_t n = strlen(path);
	struct stat st;

	if (n == 0)
		return err_set(err, E_INVALID, "the path of a folder is empty");
	if (n >= sizeof(part))
		return too_long(err, path);
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		snprintf(part, sizeof(part), "%.*s", (int)i, path);
		if (mkdir(part, mode) < 0 && errno != EEXIST)
			return file_error(err, "make folder", part);
	}
	/* what was there may be a file */
	if (stat(path, &st) < 0)
		return file_error(err, "look at", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, E_EXISTS,
		    "\"%s\" is not a folder; remove it or give another path",
		    path);
	return 0;
}

void
io_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
