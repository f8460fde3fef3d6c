/*
 * The filesystem driver when the disk does not do its part, and what it has
 * made durable when. Some system calls are wrapped, to fail as disks do.
 */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include <dirent.h>
#include <sys/statvfs.h>

#include "tests/unit/blob/fs.h"

/* what the wrapped calls do */
static struct {
	size_t write_max; /* 0: as asked */
	unsigned interrupts; /* writes that fail so first */
	int write_error; /* of writes behind the good ones */
	unsigned good_writes;
	int sync_error; /* once */
	int folder_sync_error; /* once */
	uint64_t free_bytes; /* UINT64_MAX: as it is */
	unsigned syncs;
	unsigned folder_syncs;
	bool is_removed; /* by another node, just before we do */
} kernel;

/* wrapped by the linker */
ssize_t __real_pwrite(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_fstatvfs(int fd, struct statvfs *out);
int __wrap_fstatvfs(int fd, struct statvfs *out);
int __real_unlinkat(int fd, const char *name, int flags);
int __wrap_unlinkat(int fd, const char *name, int flags);

ssize_t
__wrap_pwrite(int fd, const void *p, size_t n, off_t at)
{
	if (kernel.interrupts > 0) {
		kernel.interrupts--;
		errno = EINTR;
		return -1;
	}
	if (kernel.write_error != 0 && kernel.good_writes-- == 0) {
		kernel.good_writes = 0;
		errno = kernel.write_error;
		return -1;
	}
	if (kernel.write_max > 0 && n > kernel.write_max)
		n = kernel.write_max;
	return __real_pwrite(fd, p, n, at);
}

int
__wrap_fdatasync(int fd)
{
	kernel.syncs++;
	if (kernel.sync_error == 0)
		return __real_fdatasync(fd);
	errno = kernel.sync_error;
	kernel.sync_error = 0;
	return -1;
}

int
__wrap_fsync(int fd)
{
	kernel.folder_syncs++;
	if (kernel.folder_sync_error == 0)
		return __real_fsync(fd);
	errno = kernel.folder_sync_error;
	kernel.folder_sync_error = 0;
	return -1;
}

int
__wrap_fstatvfs(int fd, struct statvfs *out)
{
	int rc = __real_fstatvfs(fd, out);

	if (rc == 0 && kernel.free_bytes != UINT64_MAX) {
		out->f_frsize = 1;
		out->f_bavail = kernel.free_bytes;
		/* what root may use and we may not */
		out->f_bfree = UINT64_MAX;
	}
	return rc;
}

int
__wrap_unlinkat(int fd, const char *name, int flags)
{
	if (kernel.is_removed)
		assert_int_equal(__real_unlinkat(fd, name, flags), 0);
	return __real_unlinkat(fd, name, flags);
}

static int
setup_kernel(void **state)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.free_bytes = UINT64_MAX;
	return setup(state);
}

static void
test_short_writes(void **state UNUSED)
{
	kernel.write_max = 3;
	kernel.interrupts = 2;
	put_object(KEY, 0, "0123456789");
	kernel.interrupts = 1;
	put_object(KEY, 10, "abcdefgh");
	assert_content(KEY, "0123456789abcdefgh");
}

static void
test_disk_full(void **state UNUSED)
{
	struct blob_writer *w = write_at(KEY, 0);

	put(w, "0123");
	kernel.write_error = ENOSPC;
	assert_int_equal(blob_write(w, "45", 2, &err), E_FULL);
	assert_string_equal(err.text, "no space left in the blob store");
	kernel.write_error = EDQUOT;
	assert_int_equal(blob_write(w, "45", 2, &err), E_FULL);
	kernel.write_error = EIO;
	assert_int_equal(blob_write(w, "45", 2, &err), E_INTERNAL);
	kernel.write_error = EROFS;
	assert_int_equal(blob_write(w, "45", 2, &err), E_INTERNAL);
	assert_non_null(strstr(err.cause, "ReadWritePaths="));
	/* what came before is not lost */
	kernel.write_error = 0;
	assert_int_equal(blob_write_sync(w, &err), 0);
	blob_write_close(&w);
	assert_content(KEY, "0123");
}

static void
test_write_that_fails_half_way(void **state UNUSED)
{
	struct blob_writer *w = write_at(KEY, 0);

	put(w, "0123");
	kernel.write_max = 2;
	kernel.good_writes = 1;
	kernel.write_error = ENOSPC;
	assert_int_equal(blob_write(w, "4567", 4, &err), E_FULL);
	blob_write_close(&w);
	kernel.write_error = 0;
	assert_content(KEY, "012345");
	put_object(KEY, 4, "xyz");
	assert_content(KEY, "0123xyz");
}

static void
test_failed_sync_is_not_forgotten(void **state UNUSED)
{
	struct blob_writer *w = write_at(KEY, 0);

	put(w, "0123");
	kernel.sync_error = EIO;
	assert_int_equal(blob_write_sync(w, &err), E_INTERNAL);
	/* the kernel says EIO once and drops the pages: a sync that succeeds
	 * afterwards tells nothing about those bytes */
	assert_int_equal(blob_write_sync(w, &err), E_INTERNAL);
	put(w, "4567");
	assert_int_equal(blob_write_sync(w, &err), E_INTERNAL);
	blob_write_close(&w);
}

static void
test_failed_sync_of_a_name_is_not_forgotten(void **state UNUSED)
{
	struct blob_writer *w = write_at(KEY, 0);

	put(w, "0123");
	kernel.folder_sync_error = EIO;
	assert_int_equal(blob_write_sync(w, &err), E_INTERNAL);
	assert_int_equal(blob_write_sync(w, &err), E_INTERNAL);
	blob_write_close(&w);
}

static void
test_full_disk_seen_at_sync(void **state UNUSED)
{
	struct blob_writer *w = write_at(KEY, 0);

	put(w, "0123");
	kernel.sync_error = ENOSPC;
	assert_int_equal(blob_write_sync(w, &err), E_FULL);
	assert_true(blob_write_sync(w, &err) < 0);
	blob_write_close(&w);
}

static void
test_new_names_are_durable(void **state UNUSED)
{
	kernel.folder_syncs = 0;
	put_object(KEY, 0, "x");
	/* objects/00 and objects, which both have a new entry */
	assert_int_equal(kernel.folder_syncs, 2);
	assert_int_equal(kernel.syncs, 1);
	put_object(KEY, 1, "y");
	assert_int_equal(kernel.syncs, 2);
	assert_int_equal(kernel.folder_syncs, 2);
}

static void
test_folder_of_another_process(void **state UNUSED)
{
	/* made by somebody who may have had no time to sync it */
	assert_int_equal(mkdir(path_of("objects/00"), 0750), 0);
	kernel.folder_syncs = 0;
	put_object(KEY, 0, "x");
	assert_int_equal(kernel.folder_syncs, 2);
	/* from now on it is known */
	put_object("00ffffffffffffffffffffffffffffff", 0, "x");
	assert_int_equal(kernel.folder_syncs, 3);
}

static void
test_name_is_synced_once_for_a_writer(void **state UNUSED)
{
	struct blob_writer *w = write_at(KEY, 0);

	put(w, "a");
	assert_int_equal(blob_write_sync(w, &err), 0);
	kernel.folder_syncs = 0;
	put(w, "b");
	assert_int_equal(blob_write_sync(w, &err), 0);
	assert_int_equal(kernel.folder_syncs, 0);
	blob_write_close(&w);
	assert_content(KEY, "ab");
}

/* its row goes next, and nobody would know of an object that came back */
static void
test_removal_is_durable(void **state UNUSED)
{
	put_object(KEY, 0, "x");
	kernel.folder_syncs = 0;
	assert_int_equal(blob_remove(store, KEY, NULL, &err), 0);
	assert_int_equal(kernel.folder_syncs, 1);
	kernel.folder_sync_error = EIO;
	assert_int_equal(blob_remove(store, KEY, NULL, &err), E_INTERNAL);
	/* again, though it is gone: the last sync may have failed */
	assert_int_equal(blob_remove(store, KEY, NULL, &err), 0);
	assert_int_equal(kernel.folder_syncs, 3);
}

static void
reopen_with_reserve(int64_t reserve)
{
	blob_store_close(&store);
	conf.storage_reserve = reserve;
	open_store();
}

static void
test_reserve(void **state UNUSED)
{
	struct blob_writer *w = NULL;

	reopen_with_reserve(1000);
	kernel.free_bytes = 999;
	assert_int_equal(blob_write_open(store, KEY, 0, &w, &err), E_FULL);
	assert_null(w);
	assert_non_null(strstr(err.cause, "999 bytes free"));
	kernel.free_bytes = 1000;
	put_object(KEY, 0, "x");
	/* reading and removing go on */
	kernel.free_bytes = 0;
	assert_content(KEY, "x");
	assert_int_equal(blob_remove(store, KEY, NULL, &err), 0);
}

static void
test_reserve_is_watched_during_a_write(void **state UNUSED)
{
	size_t n = (size_t)1 << 20;
	char *bytes = pool_alloc(pool, n);
	struct blob_writer *w;
	int rc = 0;
	int count;

	reopen_with_reserve(1000);
	w = write_at(KEY, 0);
	kernel.free_bytes = 10;
	for (count = 0; rc == 0 && count < 8; count++)
		rc = blob_write(w, bytes, n / 4, &err);
	assert_int_equal(rc, E_FULL);
	assert_int_equal(count, 4);
	blob_write_close(&w);
	assert_int_equal(blob_store_check_space(store, &err), E_FULL);
	kernel.free_bytes = 1000;
	assert_int_equal(blob_store_check_space(store, &err), 0);
}

/* what two nodes remove at once is told by one of them */
static void
test_remove_of_what_another_node_removes(void **state UNUSED)
{
	uint64_t size;

	put_object(KEY, 0, "0123");
	kernel.is_removed = true;
	assert_int_equal(blob_remove(store, KEY, &size, &err), 0);
	assert_int_equal(size, 0);
}

static void
test_check(void **state UNUSED)
{
	uint64_t free_bytes = 0;
	struct dirent *entry;
	size_t count = 0;
	DIR *folder;

	reopen_with_reserve(1000);
	kernel.free_bytes = 5000;
	assert_int_equal(blob_store_check(store, &free_bytes, &err), 0);
	assert_int_equal(free_bytes, 5000);
	assert_int_equal(blob_store_check(store, NULL, &err), 0);
	kernel.free_bytes = 500;
	assert_int_equal(blob_store_check(store, &free_bytes, &err), E_FULL);
	assert_int_equal(free_bytes, 500);
	/* it leaves nothing behind */
	folder = opendir(path_of("objects"));
	assert_non_null(folder);
	while ((entry = readdir(folder)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(folder);
	assert_int_equal(count, 0);
}

static void
test_check_of_a_lost_folder(void **state UNUSED)
{
	assert_int_equal(rmdir(path_of("objects")), 0);
	assert_true(blob_store_check(store, NULL, &err) < 0);
	assert_int_equal(mkdir(path_of("objects"), 0750), 0);
	assert_int_equal(blob_store_check(store, NULL, &err), 0);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_kernel, teardown)

static const struct CMUnitTest tests[] = {
	TEST(test_short_writes),
	TEST(test_disk_full),
	TEST(test_write_that_fails_half_way),
	TEST(test_failed_sync_is_not_forgotten),
	TEST(test_failed_sync_of_a_name_is_not_forgotten),
	TEST(test_full_disk_seen_at_sync),
	TEST(test_new_names_are_durable),
	TEST(test_folder_of_another_process),
	TEST(test_name_is_synced_once_for_a_writer),
	TEST(test_removal_is_durable),
	TEST(test_reserve),
	TEST(test_reserve_is_watched_during_a_write),
	TEST(test_remove_of_what_another_node_removes),
	TEST(test_check),
	TEST(test_check_of_a_lost_folder),
};

UNIT_MAIN(tests)
