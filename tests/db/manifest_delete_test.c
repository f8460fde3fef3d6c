/* Manifests that are deleted, and come back. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/model/tag.h"
#include "tests/db/rows.h"

static struct repo repo;
static struct oci_digest blobs[40];

static int
setup(void **state)
{
	env_setup(state);
	repo = make_repo();
	for (size_t i = 0; i < 3; i++)
		blobs[i] = push_blob(&repo, unique("blob"));
	return 0;
}

/* --- delete */

static void
test_delete(void **state UNUSED)
{
	struct manifest_push p = push_manifest(&repo, "v1", blobs, 2);
	struct manifest m;

	set_tag(&p, "v2");
	ok(try_push(&p));
	ok(try_delete(&p));
	fails(find_digest(&repo, &p.digest, &m), E_NOTFOUND);
	fails(find_tag(&repo, "v1", &m), E_NOTFOUND);
	fails(find_tag(&repo, "v2", &m), E_NOTFOUND);
	/* its tags can be brought back for a while, so its rows stay */
	assert_int_equal(links_of(&p), 2);
	assert_sql(2,
	    "SELECT COUNT(*) FROM tag_history WHERE manifest_id = %s "
	    "AND action = 2 AND expires > UTC_TIMESTAMP(6)",
	    sql_manifest_id(&p));
	assert_sql(1,
	    "SELECT COUNT(*) FROM gc_review WHERE kind = 1 AND id1 = %s "
	    "AND review_after > UTC_TIMESTAMP(6) + INTERVAL %d SECOND",
	    sql_manifest_id(&p), (int)HISTORY_S - 3600);
}

static void
test_delete_twice(void **state UNUSED)
{
	struct manifest_push p = push_manifest(&repo, "v1", blobs, 1);
	struct manifest m = get_manifest(&repo, &p.digest);

	for (int i = 0; i < 2; i++)
		ok(delete_manifest(env.registry, &m, &env.err));
	assert_sql(1, "SELECT COUNT(*) FROM tag_history WHERE manifest_id = %s",
	    sql_manifest_id(&p));
}

static void
test_delete_of_an_index_child(void **state UNUSED)
{
	struct manifest_push one = push_manifest(&repo, "one", blobs, 1);
	struct manifest_push index = push_index(&repo, "all", &one.digest, 1);
	char text[OCI_DIGEST_TEXT_SIZE];
	struct manifest m;

	fails(try_delete(&one), E_CONFLICT);
	assert_reason("UNSUPPORTED");
	oci_digest_put(text, &index.digest);
	assert_non_null(strstr(env.err.text, text));
	/* refused means unchanged */
	ok(find_tag(&repo, "one", &m));
	ok(try_delete(&index));
	ok(try_delete(&one));
}

static void
test_delete_with_a_very_large_number_of_tags(void **state UNUSED)
{
	struct manifest_push p = push_manifest(&repo, "v1", blobs, 1);
	struct manifest_push other = push_manifest(&repo, "o", blobs, 2);
	struct manifest m;

	sql("INSERT INTO tag (repository_id, name, manifest_id, created, "
	    "updated) SELECT repository_id, CONCAT('build-', seq), id, "
	    "created, created FROM manifest JOIN seq_1_to_1200 "
	    "WHERE id = %s",
	    sql_manifest_id(&p));
	ok(try_delete(&p));
	fails(find_tag(&repo, "build-1", &m), E_NOTFOUND);
	fails(find_tag(&repo, "build-1200", &m), E_NOTFOUND);
	assert_sql(0, "SELECT COUNT(*) FROM tag WHERE manifest_id = %s",
	    sql_manifest_id(&p));
	assert_sql(1201,
	    "SELECT COUNT(*) FROM tag_history WHERE manifest_id = %s",
	    sql_manifest_id(&p));
	ok(find_digest(&repo, &other.digest, &m));
}

/* --- a deleted manifest that is pushed again */

static void
test_push_of_a_deleted_manifest(void **state UNUSED)
{
	struct manifest_push p = push_manifest(&repo, "v1", blobs, 2);
	struct manifest m;

	ok(try_delete(&p));
	set_tag(&p, "v2");
	ok(try_push(&p));
	ok(find_digest(&repo, &p.digest, &m));
	ok(find_tag(&repo, "v2", &m));
	fails(find_tag(&repo, "v1", &m), E_NOTFOUND);
	assert_int_equal(links_of(&p), 2);
	set_tag(&p, NULL);
	ok(try_delete(&p));
	ok(try_push(&p));
	ok(find_digest(&repo, &p.digest, &m));
}

static void
test_push_of_a_deleted_index_without_its_child(void **state UNUSED)
{
	struct manifest_push one = push_manifest(&repo, NULL, blobs, 1);
	struct manifest_push index = push_index(&repo, "all", &one.digest, 1);
	struct manifest m;

	ok(try_delete(&index));
	ok(try_delete(&one));
	/* an index that cannot be pulled is not taken */
	fails(try_push(&index), E_INVALID);
	assert_reason("MANIFEST_BLOB_UNKNOWN");
	assert_int_equal(index.missing_count, 1);
	assert_true(oci_digest_equal(&index.missing[0], &one.digest));
	fails(find_digest(&repo, &index.digest, &m), E_NOTFOUND);
	ok(try_push(&one));
	ok(try_push(&index));
	ok(find_digest(&repo, &one.digest, &m));
	fails(try_delete(&one), E_CONFLICT);
}

static void
test_push_of_a_deleted_manifest_without_its_blob(void **state UNUSED)
{
	struct manifest_push p = push_manifest(&repo, "v1", blobs, 2);
	struct repo_blob blob;

	ok(try_delete(&p));
	ok(delete_blob(&repo, &blobs[0]));
	fails(repo_blob_find(env.registry, env.pool, repo.path, &blobs[0],
		  &blob, &env.err),
	    E_NOTFOUND);
	fails(try_push(&p), E_INVALID);
	assert_int_equal(p.missing_count, 1);
	assert_true(oci_digest_equal(&p.missing[0], &blobs[0]));
	/* the refused push changed nothing of what is kept */
	assert_int_equal(links_of(&p), 2);
}

static void
test_blob_that_was_deleted_under_a_manifest(void **state UNUSED)
{
	struct manifest_push p;

	/* as a deletion leaves it that was as quick as the push */
	p = push_manifest(&repo, "v1", blobs, 1);
	sql("UPDATE repo_blob SET hidden = 1 WHERE repository_id = %s",
	    sql_id(&repo.row.id));
	/* what is found can be used: a client does not push it again */
	find_blob(&repo, &blobs[0]);
	p = new_manifest(&repo, "v2", blobs, 1);
	ok(try_push(&p));
	fails(delete_blob(&repo, &blobs[0]), E_CONFLICT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, env_teardown)

static const struct CMUnitTest tests[] = {
	TEST(test_delete),
	TEST(test_delete_twice),
	TEST(test_delete_of_an_index_child),
	TEST(test_delete_with_a_very_large_number_of_tags),
	TEST(test_push_of_a_deleted_manifest),
	TEST(test_push_of_a_deleted_index_without_its_child),
	TEST(test_push_of_a_deleted_manifest_without_its_blob),
	TEST(test_blob_that_was_deleted_under_a_manifest),
};

UNIT_MAIN(tests)
