/* Files: whole reads and writes, secrets, replacement, folders. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/pool.h"

#define LARGE ((size_t)1 << 20)

static struct pool *pool;
static struct err err;
static char folder[64];

static int
setup(void **state UNUSED)
{
	snprintf(folder, sizeof(folder), "/tmp/dtr-io-XXXXXX");
	pool = pool_new((size_t)16 << 20);
	err_clear(&err);
	umask(0);
	return mkdtemp(folder) != NULL ? 0 : -1;
}

/* the number of entries; removes them, and folders below, if told to */
static size_t
walk(const char *path, bool remove_all)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	size_t count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		const char *name =
		    pool_printf(pool, "%s/%s", path, entry->d_name);

		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		count++;
		if (!remove_all)
			continue;
		if (unlink(name) < 0) {
			walk(name, true);
			rmdir(name);
		}
	}
	closedir(dir);
	return count;
}

static int
teardown(void **state UNUSED)
{
	walk(folder, true);
	rmdir(folder);
	pool_free(&pool);
	return 0;
}

static char *
path_of(const char *name)
{
	return pool_printf(pool, "%s/%s", folder, name);
}

static char *
put(const char *name, const char *text, mode_t mode)
{
	char *path = path_of(name);

	assert_int_equal(
	    io_write_file(path, text, strlen(text), mode, &err), 0);
	return path;
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void
test_read(void **state UNUSED)
{
	char *text = NULL;
	char *path = put("a", "some text\n", 0644);
	size_t n;

	assert_int_equal(io_read_file(pool, path, 10, &text, &n, &err), 0);
	assert_int_equal(n, 10);
	assert_string_equal(text, "some text\n");
	assert_int_equal(io_read_file(pool, path, 11, &text, NULL, &err), 0);
	path = put("empty", "", 0644);
	assert_int_equal(io_read_file(pool, path, 0, &text, &n, &err), 0);
	assert_int_equal(n, 0);
	assert_string_equal(text, "");
}

static void
test_read_refused(void **state UNUSED)
{
	char *text;
	char *path = put("a", "some text\n", 0644);

	assert_int_equal(
	    io_read_file(pool, path, 9, &text, NULL, &err), E_TOOBIG);
	assert_string_equal(err.text,
	    pool_printf(pool, "file \"%s\" is larger than 9 bytes", path));
	path = path_of("none");
	assert_int_equal(
	    io_read_file(pool, path, 9, &text, NULL, &err), E_NOTFOUND);
	assert_string_equal(
	    err.text, pool_printf(pool, "cannot open \"%s\"", path));
	assert_string_equal(err.cause, "No such file or directory");
	assert_int_equal(
	    io_read_file(pool, folder, 9, &text, NULL, &err), E_INVALID);
	assert_string_equal(err.text,
	    pool_printf(
		pool, "\"%s\" is a folder; give the path of a file", folder));
	path = path_of("a/b");
	assert_int_equal(
	    io_read_file(pool, path, 9, &text, NULL, &err), E_INTERNAL);
	assert_string_equal(err.cause, "Not a directory");
}

/* writes n bytes into a pipe from another process */
static pid_t
feed(int fds[2], size_t n)
{
	pid_t child;

	assert_int_equal(pipe(fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(fds[0]);
		_exit(io_write_all(fds[1], pool_alloc(pool, n), n, &err) < 0);
	}
	close(fds[1]);
	return child;
}

static int
read_pipe(size_t n, size_t max, size_t *len)
{
	char *text;
	int fds[2], status;
	pid_t child = feed(fds, n);
	int rc = io_read_file(pool, pool_printf(pool, "/dev/fd/%d", fds[0]),
	    max, &text, len, &err);

	close(fds[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	return rc;
}

static void
test_read_pipe(void **state UNUSED)
{
	size_t n;

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(read_pipe(100000, 100000, &n), 0);
	assert_int_equal(n, 100000);
	assert_int_equal(read_pipe(0, 10, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(read_pipe(1000, 999, &n), E_TOOBIG);
	assert_non_null(strstr(err.text, "is larger than 999 bytes"));
}

static void
test_secret(void **state UNUSED)
{
	static const struct {
		const char *text;
		const char *secret;
	} cases[] = {
		{ "secret", "secret" },
		{ "secret\n", "secret" },
		{ "secret\r\n", "secret" },
		{ "secret\n\r\n\n", "secret" },
		{ " two\nlines \n\n", " two\nlines " },
		{ "\n", "" },
		{ "", "" },
	};
	char *text;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *path = put("s", cases[i].text, 0600);

		assert_int_equal(io_read_secret(pool, path, &text, &err), 0);
		assert_string_equal(text, cases[i].secret);
	}
	assert_int_equal(
	    io_read_secret(pool, path_of("none"), &text, &err), E_NOTFOUND);
}

static void
test_secret_modes(void **state UNUSED)
{
	static const mode_t good[] = { 0600, 0400, 0640, 0440, 0700 };
	static const mode_t bad[] = { 0604, 0602, 0620, 0644, 0660, 0666,
		0777 };
	char *text;

	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_int_equal(
		    io_read_secret(pool, put("s", "x", good[i]), &text, &err),
		    0);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		char *path = put("s", "x", bad[i]);

		assert_int_equal(
		    io_read_secret(pool, path, &text, &err), E_DENIED);
		assert_string_equal(err.text,
		    pool_printf(pool,
			"file \"%s\" holds a secret and is open to others; "
			"run: chmod 0600 %s",
			path, path));
	}
	/* its mode is not what is wrong */
	assert_int_equal(io_read_secret(pool, "/usr", &text, &err), E_INVALID);
	assert_string_equal(
	    err.text, "\"/usr\" is a folder; give the path of a file");
}

static void
test_secret_refused(void **state UNUSED)
{
	char *large = pool_alloc(pool, 65538), *path = path_of("s"), *text;

	assert_int_equal(
	    io_write_file(path, "half\0lost\n", 10, 0600, &err), 0);
	assert_int_equal(io_read_secret(pool, path, &text, &err), E_INVALID);
	assert_string_equal(err.text,
	    pool_printf(
		pool, "file \"%s\" holds a NUL byte; a secret is text", path));
	memset(large, 'x', 65537);
	path = put("s", large, 0600);
	assert_int_equal(io_read_secret(pool, path, &text, &err), E_TOOBIG);
	large[65536] = '\0';
	path = put("s", large, 0600);
	assert_int_equal(io_read_secret(pool, path, &text, &err), 0);
	assert_int_equal(strlen(text), 65536);
}

static void
test_write(void **state UNUSED)
{
	char *path = path_of("f"), *text;
	size_t n;

	assert_int_equal(io_write_file(path, "a\0b", 3, 0640, &err), 0);
	assert_int_equal(mode_of(path), 0640);
	assert_int_equal(io_read_file(pool, path, 100, &text, &n, &err), 0);
	assert_int_equal(n, 3);
	assert_memory_equal(text, "a\0b", 3);
	/* replaced, with the new mode; nothing is left beside */
	assert_int_equal(
	    io_write_new_file(path, "old", 3, 0600, &err), E_EXISTS);
	assert_int_equal(io_write_file(path, "new", 3, 0600, &err), 0);
	assert_int_equal(mode_of(path), 0600);
	assert_int_equal(io_read_file(pool, path, 100, &text, &n, &err), 0);
	assert_string_equal(text, "new");
	assert_int_equal(walk(folder, false), 1);
	assert_int_equal(
	    io_write_new_file(path_of("g"), "new", 3, 0640, &err), 0);
	assert_int_equal(mode_of(path_of("g")), 0640);
	assert_int_equal(walk(folder, false), 2);
}

/* whoever has the old file open keeps it whole */
static void
test_write_replaces(void **state UNUSED)
{
	char *path = put("f", "old text", 0600);
	char seen[16] = "";
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	put("f", "new", 0600);
	assert_int_equal(read(fd, seen, sizeof(seen)), 8);
	assert_string_equal(seen, "old text");
	close(fd);
}

static void
test_write_relative(void **state UNUSED)
{
	int here = open(".", O_RDONLY | O_DIRECTORY);
	int rc;

	assert_int_equal(chdir(folder), 0);
	rc = io_write_file("f", "x", 1, 0600, &err);
	assert_int_equal(fchdir(here), 0);
	close(here);
	assert_int_equal(rc, 0);
	assert_int_equal(mode_of(path_of("f")), 0600);
}

static void
test_write_refused(void **state UNUSED)
{
	char *path = pool_alloc(pool, PATH_MAX + 1);

	assert_int_equal(
	    io_write_file(path_of("no/f"), "x", 1, 0600, &err), E_NOTFOUND);
	assert_non_null(strstr(err.text, "cannot create"));
	memset(path, 'a', PATH_MAX);
	assert_int_equal(io_write_file(path, "x", 1, 0600, &err), E_INVALID);
	assert_non_null(strstr(err.text, "the path is too long: \"aaa"));
	/* a folder stays, and no new file is left beside it */
	assert_int_equal(mkdir(path_of("d"), 0700), 0);
	assert_int_equal(
	    io_write_file(path_of("d"), "x", 1, 0600, &err), E_INTERNAL);
	assert_string_equal(
	    err.text, pool_printf(pool, "cannot rename to \"%s/d\"", folder));
	assert_int_equal(walk(folder, false), 1);
}

/* a pipe takes little at once */
static void
test_write_all(void **state UNUSED)
{
	unsigned char *sent = pool_alloc(pool, LARGE);
	int fds[2], status = -1;
	pid_t child;

	for (size_t i = 0; i < LARGE; i++)
		sent[i] = (unsigned char)(i * 31 >> 3);
	assert_int_equal(pipe(fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(fds[0]);
		_exit(io_write_all(fds[1], sent, LARGE, &err) == 0 ? 0 : 1);
	}
	close(fds[1]);
	for (size_t i = 0; i < LARGE;) {
		unsigned char part[5000];
		ssize_t n = read(fds[0], part, sizeof(part));

		assert_true(n > 0);
		assert_memory_equal(part, sent + i, (size_t)n);
		i += (size_t)n;
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(fds[0]);
}

static void
test_write_fails(void **state UNUSED)
{
	int full = open("/dev/full", O_WRONLY);

	assert_true(full >= 0);
	assert_int_equal(io_write_all(full, "x", 1, &err), E_FULL);
	assert_string_equal(err.text, "write failed");
	assert_string_equal(err.cause, "No space left on device");
	assert_int_equal(io_write_all(full, NULL, 0, &err), 0);
	close(full);
	assert_int_equal(io_write_all(-1, "x", 1, &err), E_INTERNAL);
	assert_string_equal(err.cause, "Bad file descriptor");
}

static void
test_make_dirs(void **state UNUSED)
{
	static const char *const names[] = { "a/b/c", "a/b/c", "a", "a/b/d/",
		"a//e", "a/./f" };

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		assert_int_equal(
		    io_make_dirs(path_of(names[i]), 0750, &err), 0);
		assert_int_equal(mode_of(path_of(names[i])), 0750);
	}
	assert_int_equal(walk(path_of("a"), false), 3);
	assert_int_equal(io_make_dirs("/", 0755, &err), 0);
}

static void
test_make_dirs_refused(void **state UNUSED)
{
	char *path = put("f", "x", 0600), *large;

	assert_int_equal(io_make_dirs(path, 0755, &err), E_EXISTS);
	assert_string_equal(err.text,
	    pool_printf(pool,
		"\"%s\" is not a folder; remove it or give another path",
		path));
	assert_int_equal(io_make_dirs(path_of("f/g"), 0755, &err), E_INTERNAL);
	assert_string_equal(err.cause, "Not a directory");
	assert_int_equal(io_make_dirs("", 0755, &err), E_INVALID);
	assert_string_equal(err.text, "the path of a folder is empty");
	large = pool_alloc(pool, PATH_MAX + 1);
	memset(large, '/', PATH_MAX);
	assert_int_equal(io_make_dirs(large, 0755, &err), E_INVALID);
}

static void
test_sync_dir(void **state UNUSED)
{
	assert_int_equal(io_sync_dir(folder, &err), 0);
	assert_int_equal(io_sync_dir(path_of("none"), &err), E_NOTFOUND);
	assert_int_equal(io_sync_dir(put("f", "x", 0600), &err), E_INTERNAL);
}

static void
test_close(void **state UNUSED)
{
	int fd = open("/dev/null", O_RDONLY), number = fd;

	io_close(&fd);
	assert_int_equal(fd, -1);
	assert_int_equal(fcntl(number, F_GETFD), -1);
	io_close(&fd);
	assert_int_equal(fd, -1);
}

#define TEST(function) \
 cmocka_unit_test_setup_teardown(function, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(test_read),
	TEST(test_read_refused),
	TEST(test_read_pipe),
	TEST(test_secret),
	TEST(test_secret_modes),
	TEST(test_secret_refused),
	TEST(test_write),
	TEST(test_write_replaces),
	TEST(test_write_relative),
	TEST(test_write_refused),
	TEST(test_write_all),
	TEST(test_write_fails),
	TEST(test_make_dirs),
	TEST(test_make_dirs_refused),
	TEST(test_sync_dir),
	TEST(test_close),
};

UNIT_MAIN(tests)
