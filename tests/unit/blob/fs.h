/* A store of the filesystem driver in a folder of its own, for each test. */
#ifndef TESTS_UNIT_BLOB_FS_H
#define TESTS_UNIT_BLOB_FS_H

#include <ftw.h>
#include <sys/stat.h>

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/blob/blob.h"
#include "common/conf/conf.h"

#define KEY   "00112233445566778899aabbccddeeff"
#define OTHER "ff112233445566778899aabbccddeeff"
#define NAME  "objects/00/" KEY

static struct pool *pool;
static struct conf conf;
static struct err err;
static struct blob_store *store;
static char root[64];

static const char *
path_of(const char *name)
{
	return pool_printf(pool, "%s/%s", root, name);
}

static void
open_store(void)
{
	if (blob_store_open(&store, &conf, &err) < 0)
		fail_msg("%s: %s", err.text, err.cause);
}

static int
setup(void **state UNUSED)
{
	static const char form[] = "/tmp/dtr-blob-XXXXXX";

	err_clear(&err);
	pool = pool_new((size_t)16 << 20);
	memcpy(root, form, sizeof(form));
	assert_non_null(mkdtemp(root));
	conf_defaults(&conf, pool, "/nowhere");
	conf.storage_root = root;
	conf.storage_reserve = 0;
	/* dtr init makes it */
	assert_int_equal(mkdir(path_of("objects"), 0750), 0);
	open_store();
	return 0;
}

static int
remove_one(const char *path, const struct stat *st UNUSED, int type UNUSED,
    struct FTW *at UNUSED)
{
	return remove(path);
}

static int
teardown(void **state UNUSED)
{
	blob_store_close(&store);
	assert_int_equal(nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	pool_free(&pool);
	return 0;
}

static struct blob_writer *
write_at(const char *key, uint64_t offset)
{
	struct blob_writer *w = NULL;

	if (blob_write_open(store, key, offset, &w, &err) < 0)
		fail_msg("%s: %s", err.text, err.cause);
	return w;
}

static void
put(struct blob_writer *w, const char *text)
{
	assert_int_equal(blob_write(w, text, strlen(text), &err), 0);
}

static void
put_object(const char *key, uint64_t offset, const char *text)
{
	struct blob_writer *w = write_at(key, offset);

	put(w, text);
	assert_int_equal(blob_write_sync(w, &err), 0);
	blob_write_close(&w);
	assert_null(w);
}

static void
assert_content(const char *key, const char *expected)
{
	struct blob_reader *r = NULL;
	uint64_t size;
	char found[256];
	size_t done;

	assert_int_equal(blob_read_open(store, key, &r, &size, &err), 0);
	assert_int_equal(size, strlen(expected));
	assert_int_equal(blob_read(r, 0, found, sizeof(found), &done, &err), 0);
	assert_int_equal(done, strlen(expected));
	assert_memory_equal(found, expected, done);
	blob_read_close(&r);
	assert_null(r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
