/* The filesystem driver: content, places, safety of names. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "tests/unit/blob/fs.h"

static void
test_write_and_read(void **state UNUSED)
{
	struct blob_writer *w = write_at(KEY, 0);

	put(w, "hello, ");
	put(w, "world");
	assert_int_equal(blob_write_sync(w, &err), 0);
	blob_write_close(&w);
	assert_content(KEY, "hello, world");
	assert_int_equal(access(path_of(NAME), F_OK), 0);
}

static void
test_read_parts(void **state UNUSED)
{
	struct blob_reader *r = NULL;
	char found[8];
	size_t done;

	put_object(KEY, 0, "0123456789");
	assert_int_equal(blob_read_open(store, KEY, &r, NULL, &err), 0);
	assert_int_equal(blob_read(r, 3, found, 4, &done, &err), 0);
	assert_int_equal(done, 4);
	assert_memory_equal(found, "3456", 4);
	assert_int_equal(blob_read(r, 8, found, 8, &done, &err), 0);
	assert_int_equal(done, 2);
	assert_memory_equal(found, "89", 2);
	assert_int_equal(blob_read(r, 10, found, 8, &done, &err), 0);
	assert_int_equal(done, 0);
	assert_int_equal(blob_read(r, 1000, found, 8, &done, &err), 0);
	assert_int_equal(done, 0);
	blob_read_close(&r);
}

static void
test_empty_object(void **state UNUSED)
{
	struct blob_writer *w = write_at(KEY, 0);

	assert_int_equal(blob_write_sync(w, &err), 0);
	blob_write_close(&w);
	assert_content(KEY, "");
}

static void
test_objects_are_not_mixed(void **state UNUSED)
{
	put_object(KEY, 0, "one");
	put_object(OTHER, 0, "two");
	assert_content(KEY, "one");
	assert_content(OTHER, "two");
}

static void
test_others_cannot_read(void **state UNUSED)
{
	struct stat st;

	put_object(KEY, 0, "x");
	assert_int_equal(stat(path_of(NAME), &st), 0);
	assert_int_equal(st.st_mode & 07, 0);
	assert_int_equal(stat(path_of("objects/00"), &st), 0);
	assert_int_equal(st.st_mode & 07, 0);
}

static void
test_go_on_behind_what_counts(void **state UNUSED)
{
	put_object(KEY, 0, "0123456789");
	/* what lies behind the recorded bytes goes, even if nothing follows */
	put_object(KEY, 4, "");
	assert_content(KEY, "0123");
	put_object(KEY, 4, "abc");
	assert_content(KEY, "0123abc");
	put_object(KEY, 7, "def");
	assert_content(KEY, "0123abcdef");
}

static void
test_begin_again(void **state UNUSED)
{
	put_object(KEY, 0, "0123456789");
	put_object(KEY, 0, "ab");
	assert_content(KEY, "ab");
}

static void
test_no_holes(void **state UNUSED)
{
	struct blob_writer *w = NULL;

	/* bytes that are missing are not made up */
	assert_int_equal(blob_write_open(store, KEY, 3, &w, &err), E_INTERNAL);
	assert_null(w);
	put_object(KEY, 0, "12");
	assert_int_equal(blob_write_open(store, KEY, 3, &w, &err), E_INTERNAL);
	assert_null(w);
	assert_content(KEY, "12");
	assert_int_equal(
	    blob_write_open(store, KEY, UINT64_MAX, &w, &err), E_TOOBIG);
}

static void
test_two_writers_at_their_places(void **state UNUSED)
{
	struct blob_writer *late = write_at(KEY, 0);
	struct blob_writer *next;

	/* a writer that lost its lease goes on where it was, not at the end:
	 * this is why a take-over gets an object of its own (upload.h) */
	put(late, "aaaa");
	next = write_at(KEY, 2);
	put(next, "bb");
	put(late, "cc");
	blob_write_close(&late);
	blob_write_close(&next);
	assert_content(KEY, "aabbcc");
}

static void
test_remove(void **state UNUSED)
{
	struct blob_reader *r = NULL;
	char found[8];
	uint64_t size;
	size_t done;

	put_object(KEY, 0, "0123");
	put_object(OTHER, 0, "4567");
	assert_int_equal(blob_read_open(store, KEY, &r, NULL, &err), 0);
	assert_int_equal(blob_remove(store, KEY, &size, &err), 0);
	assert_int_equal(size, 4);
	/* who reads it reads it to its end */
	assert_int_equal(blob_read(r, 0, found, 8, &done, &err), 0);
	assert_int_equal(done, 4);
	blob_read_close(&r);
	assert_int_equal(
	    blob_read_open(store, KEY, &r, NULL, &err), E_INTERNAL);
	assert_null(r);
	/* again is fine, and nothing else went */
	assert_int_equal(blob_remove(store, KEY, &size, &err), 0);
	assert_int_equal(size, 0);
	assert_content(OTHER, "4567");
}

static void
test_remove_of_what_cannot_be_removed(void **state UNUSED)
{
	assert_int_equal(mkdir(path_of("objects/00"), 0750), 0);
	assert_int_equal(mkdir(path_of(NAME), 0750), 0);
	assert_int_equal(blob_remove(store, KEY, NULL, &err), E_INTERNAL);
}

static void
test_bad_keys(void **state UNUSED)
{
	static const char *const keys[] = { "", "0", "../../../../etc/passwd",
		"..", "/etc/passwd", "00112233445566778899aabbccddeef",
		"00112233445566778899aabbccddeeff0",
		"00112233445566778899AABBCCDDEEFF",
		"0011223344556677/../aabbccddeeff",
		"../11223344556677889aabbccddeeff",
		"00112233445566778899aabbccddee%s",
		"00112233445566778899aabbccddeef\n" };

	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		struct blob_writer *w = NULL;
		struct blob_reader *r = NULL;

		assert_int_equal(
		    blob_write_open(store, keys[i], 0, &w, &err), E_INVALID);
		assert_int_equal(
		    blob_read_open(store, keys[i], &r, NULL, &err), E_INVALID);
		assert_int_equal(
		    blob_remove(store, keys[i], NULL, &err), E_INVALID);
		assert_null(blob_sendfile_path(store, pool, keys[i]));
		assert_null(w);
		assert_null(r);
	}
}

static void
test_new_keys(void **state UNUSED)
{
	char one[BLOB_KEY_SIZE], two[BLOB_KEY_SIZE];

	blob_key_new(one);
	blob_key_new(two);
	assert_int_equal(strlen(one), BLOB_KEY_LENGTH);
	assert_int_equal(strspn(one, "0123456789abcdef"), BLOB_KEY_LENGTH);
	assert_string_not_equal(one, two);
	put_object(one, 0, "x");
	assert_content(one, "x");
}

static void
test_root_is_kept(void **state UNUSED)
{
	char moved[80];

	/* the folder that was opened counts, not its name */
	put_object(KEY, 0, "x");
	snprintf(moved, sizeof(moved), "%s-moved", root);
	assert_int_equal(rename(root, moved), 0);
	put_object(OTHER, 0, "y");
	assert_content(KEY, "x");
	assert_int_equal(rename(moved, root), 0);
}

static void
test_sendfile_paths(void **state UNUSED)
{
	assert_null(blob_sendfile_path(store, pool, KEY));
	blob_store_close(&store);
	conf.storage_sendfile = "accel";
	conf.storage_accel_prefix = "/_blobs/";
	open_store();
	assert_string_equal(
	    blob_sendfile_path(store, pool, KEY), "/_blobs/" NAME);
	blob_store_close(&store);
	conf.storage_sendfile = "xsendfile";
	open_store();
	assert_string_equal(
	    blob_sendfile_path(store, pool, KEY), path_of(NAME));
	/* it is the path of the file */
	put_object(KEY, 0, "x");
	assert_int_equal(access(blob_sendfile_path(store, pool, KEY), R_OK), 0);
}

static void
test_open_faults(void **state UNUSED)
{
	struct blob_store *none = NULL;

	conf.storage_root = path_of("missing");
	assert_int_equal(blob_store_open(&none, &conf, &err), E_INVALID);
	assert_non_null(strstr(err.text, "missing"));
	/* a mount point without its file system */
	assert_int_equal(mkdir(path_of("empty"), 0750), 0);
	conf.storage_root = path_of("empty");
	assert_int_equal(blob_store_open(&none, &conf, &err), E_INVALID);
	assert_non_null(strstr(err.text, "mounted?"));
	assert_int_equal(access(path_of("empty/objects"), F_OK), -1);
	conf.storage_root = root;
	conf.storage_driver = "tape";
	assert_int_equal(blob_store_open(&none, &conf, &err), E_INVALID);
	assert_string_equal(err.text, "no storage driver \"tape\"");
	assert_null(none);
	blob_store_close(&none);
}

static const struct CMUnitTest tests[] = {
	TEST(test_write_and_read),
	TEST(test_read_parts),
	TEST(test_empty_object),
	TEST(test_objects_are_not_mixed),
	TEST(test_others_cannot_read),
	TEST(test_go_on_behind_what_counts),
	TEST(test_begin_again),
	TEST(test_no_holes),
	TEST(test_two_writers_at_their_places),
	TEST(test_remove),
	TEST(test_remove_of_what_cannot_be_removed),
	TEST(test_bad_keys),
	TEST(test_new_keys),
	TEST(test_root_is_kept),
	TEST(test_sendfile_paths),
	TEST(test_open_faults),
};

UNIT_MAIN(tests)
