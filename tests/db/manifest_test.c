/* Manifests and tags: what is linked, found, refused, and kept for later. */
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

static int
delete_tag(const char *name)
{
	struct tag_change change = { .repository_id = repo.row.id,
		.name = name,
		.history_s = HISTORY_S };

	return tag_delete(env.registry, env.pool, &change, &env.err);
}

static void
assert_missing(struct manifest_push *p, const struct oci_digest *digest)
{
	fails(try_push(p), E_INVALID);
	assert_reason("MANIFEST_BLOB_UNKNOWN");
	assert_int_equal(p->missing_count, 1);
	assert_true(oci_digest_equal(&p->missing[0], digest));
	assert_sql(0, "SELECT COUNT(*) FROM manifest WHERE id = %s",
	    sql_manifest_id(p));
}

/* --- push and find */

static void
test_push_by_tag(void **state UNUSED)
{
	struct manifest_push p = push_manifest(&repo, "v1", blobs, 3);
	struct manifest by_tag, by_digest;
	const char *payload;

	ok(find_tag(&repo, "v1", &by_tag));
	ok(find_digest(&repo, &p.digest, &by_digest));
	assert_true(rand_id_equal(&by_tag.id, &by_digest.id));
	assert_true(oci_digest_equal(&by_tag.digest, &p.digest));
	assert_string_equal(by_tag.media_type, OCI_TYPE_MANIFEST);
	assert_int_equal(by_tag.size, p.size);
	ok(manifest_payload(
	    env.registry, env.pool, &by_tag, &payload, &env.err));
	assert_memory_equal(payload, p.payload, p.size);
	assert_int_equal(links_of(&p), 3);
}

static void
test_push_by_digest(void **state UNUSED)
{
	struct manifest_push p = push_manifest(&repo, NULL, blobs, 2);
	struct manifest m;

	ok(find_digest(&repo, &p.digest, &m));
	/* nothing refers to it: it is looked at when the promise is over */
	assert_sql(1,
	    "SELECT COUNT(*) FROM gc_review WHERE kind = 1 AND id1 = %s "
	    "AND review_after > UTC_TIMESTAMP(6) + INTERVAL %d SECOND",
	    sql_id(&m.id), (int)PROMISE_S - 3600);
}

static void
test_not_found(void **state UNUSED)
{
	struct manifest_push p = new_manifest(&repo, NULL, blobs, 1);
	struct repo other = make_repo();
	struct manifest m;

	fails(find_tag(&repo, "none", &m), E_NOTFOUND);
	assert_reason("MANIFEST_UNKNOWN");
	fails(find_digest(&repo, &p.digest, &m), E_NOTFOUND);
	assert_reason("MANIFEST_UNKNOWN");
	fails(manifest_find_tag(
		  env.registry, env.pool, "no/where", "v1", &m, &env.err),
	    E_NOTFOUND);
	assert_reason("NAME_UNKNOWN");
	/* another repository's is none of ours */
	ok(try_push(&p));
	fails(find_digest(&other, &p.digest, &m), E_NOTFOUND);
}

static void
test_names_are_compared_byte_by_byte(void **state UNUSED)
{
	struct manifest m;

	push_manifest(&repo, "Latest", blobs, 1);
	fails(find_tag(&repo, "latest", &m), E_NOTFOUND);
	fails(find_tag(&repo, "Latest ", &m), E_NOTFOUND);
	ok(find_tag(&repo, "Latest", &m));
}

static void
test_push_again(void **state UNUSED)
{
	struct manifest_push p = push_manifest(&repo, "v1", blobs, 2);

	ok(try_push(&p));
	set_tag(&p, "v2");
	ok(try_push(&p));
	set_tag(&p, NULL);
	ok(try_push(&p));
	assert_sql(1, "SELECT COUNT(*) FROM manifest WHERE id = %s",
	    sql_manifest_id(&p));
	assert_sql(2, "SELECT COUNT(*) FROM tag WHERE manifest_id = %s",
	    sql_manifest_id(&p));
	/* the tag did not move, so there is no history */
	assert_sql(0, "SELECT COUNT(*) FROM tag_history WHERE manifest_id = %s",
	    sql_manifest_id(&p));
}

static void
test_same_blob_many_times(void **state UNUSED)
{
	const char *text = unique("blob");
	struct oci_digest twice[4] = { blobs[0], blobs[0] };
	struct manifest_push p;

	twice[2] = push_blob_sha512(&repo, text);
	twice[3] = sha256_of(text);
	p = push_manifest(&repo, "v1", twice, 4);
	assert_int_equal(links_of(&p), 2);
}

static void
test_many_blobs(void **state UNUSED)
{
	struct manifest_push p;

	for (size_t i = 3; i < COUNT_OF(blobs); i++)
		blobs[i] = i % 3 == 0 ? push_blob_sha512(&repo, unique("b"))
				      : push_blob(&repo, unique("b"));
	p = push_manifest(&repo, "v1", blobs, COUNT_OF(blobs));
	assert_int_equal(links_of(&p), COUNT_OF(blobs));
}

static void
test_no_blobs(void **state UNUSED)
{
	struct manifest_push p = push_manifest(&repo, "v1", NULL, 0);

	assert_int_equal(links_of(&p), 0);
}

static void
test_foreign_layers_need_not_be_here(void **state UNUSED)
{
	struct oci_digest far[2] = { blobs[0], sha256_of(unique("far")) };
	struct manifest_push p = new_manifest(&repo, "v1", far, 2);
	struct oci_manifest document = *p.document;

	document.items[1].is_foreign = true;
	p.document = &document;
	ok(try_push(&p));
	assert_int_equal(links_of(&p), 1);
}

static void
test_subject_need_not_be_here(void **state UNUSED)
{
	struct manifest_push p = new_manifest(&repo, NULL, blobs, 1);
	struct oci_manifest document = *p.document;

	document.has_subject = true;
	document.subject.digest = sha256_of(unique("subject"));
	document.annotations = "{\"a\":\"b\"}";
	document.artifact_type = "application/example";
	p.document = &document;
	ok(try_push(&p));
	assert_sql(1,
	    "SELECT COUNT(*) FROM manifest WHERE id = %s AND subject = %s "
	    "AND annotations = '{\"a\":\"b\"}'",
	    sql_manifest_id(&p),
	    sql_bytes(document.subject.digest.bytes, DIGEST_SHA256_SIZE));
}

/* --- what is missing */

static void
test_missing_blob(void **state UNUSED)
{
	struct oci_digest list[3] = { blobs[0], sha256_of(unique("no")),
		blobs[1] };
	struct manifest_push p = new_manifest(&repo, "v1", list, 3);
	struct manifest m;

	assert_missing(&p, &list[1]);
	fails(find_tag(&repo, "v1", &m), E_NOTFOUND);
	/* known elsewhere is not here */
	list[1] = sha512_of(unique("no"));
	p = new_manifest(&repo, "v1", list, 3);
	assert_missing(&p, &list[1]);
}

static void
test_blob_of_another_repository(void **state UNUSED)
{
	struct repo other = make_repo();
	struct oci_digest far = push_blob(&other, unique("far"));
	struct manifest_push p = new_manifest(&repo, "v1", &far, 1);

	assert_missing(&p, &far);
}

static void
test_all_missing_are_named(void **state UNUSED)
{
	struct oci_digest list[40];
	struct manifest_push p;

	for (size_t i = 0; i < COUNT_OF(list); i++)
		list[i] = i % 2 == 0 ? sha256_of(unique("no"))
				     : sha512_of(unique("no"));
	list[7] = blobs[0];
	p = new_manifest(&repo, "v1", list, COUNT_OF(list));
	fails(try_push(&p), E_INVALID);
	assert_int_equal(p.missing_count, COUNT_OF(list) - 1);
}

static void
test_deleted_blob_is_missing(void **state UNUSED)
{
	struct manifest_push p = new_manifest(&repo, "v1", blobs, 1);

	ok(delete_blob(&repo, &blobs[0]));
	assert_missing(&p, &blobs[0]);
	/* until it is pushed again */
	ok(delete_blob(&repo, &blobs[1]));
	p = new_manifest(&repo, "v1", &blobs[2], 1);
	ok(try_push(&p));
}

static void
test_damaged_blob_is_missing(void **state UNUSED)
{
	struct manifest_push p = new_manifest(&repo, "v1", blobs, 1);
	struct oci_digest other = push_blob_sha512(&repo, unique("b"));

	sql("UPDATE blob_content SET damaged = 1 WHERE sha256 = %s",
	    sql_bytes(blobs[0].bytes, DIGEST_SHA256_SIZE));
	assert_missing(&p, &blobs[0]);
	p = new_manifest(&repo, "v1", &other, 1);
	sql("UPDATE blob_content SET damaged = 1 WHERE sha512 = %s",
	    sql_bytes(other.bytes, DIGEST_SHA512_SIZE));
	assert_missing(&p, &other);
}

/* --- indexes */

static void
test_index(void **state UNUSED)
{
	struct manifest_push one = push_manifest(&repo, NULL, blobs, 1);
	struct manifest_push two = push_manifest(&repo, NULL, blobs, 2);
	struct oci_digest children[2] = { one.digest, two.digest };
	struct manifest_push index = push_index(&repo, "all", children, 2);
	struct manifest m;

	ok(find_tag(&repo, "all", &m));
	assert_string_equal(m.media_type, OCI_TYPE_INDEX);
	assert_sql(2,
	    "SELECT COUNT(*) FROM manifest_child "
	    "WHERE parent_id = %s",
	    sql_manifest_id(&index));
}

static void
test_index_of_what_is_missing(void **state UNUSED)
{
	struct manifest_push one = push_manifest(&repo, NULL, blobs, 1);
	struct oci_digest children[2] = { one.digest, sha256_of(unique("no")) };
	struct manifest_push index = new_index(&repo, "all", children, 2);

	assert_missing(&index, &children[1]);
	/* a blob is no manifest */
	index = new_index(&repo, "all", blobs, 1);
	assert_missing(&index, &blobs[0]);
	ok(try_delete(&one));
	index = new_index(&repo, "all", &one.digest, 1);
	assert_missing(&index, &one.digest);
}

/* --- promises */

static void
test_promise(void **state UNUSED)
{
	struct manifest_push p = push_manifest(&repo, NULL, blobs, 1);
	struct manifest m = get_manifest(&repo, &p.digest);

	/* fresh: nothing is written */
	sql("DELETE FROM gc_review WHERE id1 = %s", sql_id(&m.id));
	ok(manifest_promise(env.registry, env.pool, &m, PROMISE_S, &env.err));
	assert_sql(
	    0, "SELECT COUNT(*) FROM gc_review WHERE id1 = %s", sql_id(&m.id));
	grow_old("manifest", "touched", PROMISE_S * 3 / 4);
	m = get_manifest(&repo, &p.digest);
	assert_true(m.age_s >= PROMISE_S * 3 / 4);
	ok(manifest_promise(env.registry, env.pool, &m, PROMISE_S, &env.err));
	m = get_manifest(&repo, &p.digest);
	assert_true(m.age_s < PROMISE_S / 2);
}

static void
test_promise_of_a_tagged_manifest_writes_nothing(void **state UNUSED)
{
	struct manifest_push p = push_manifest(&repo, "v1", blobs, 1);
	struct manifest m;

	grow_old("manifest", "touched", PROMISE_S);
	m = get_manifest(&repo, &p.digest);
	ok(manifest_promise(env.registry, env.pool, &m, PROMISE_S, &env.err));
	assert_true(get_manifest(&repo, &p.digest).age_s >= PROMISE_S);
}

static void
test_promise_does_not_bring_back(void **state UNUSED)
{
	struct manifest_push p = push_manifest(&repo, NULL, blobs, 1);
	struct manifest m, again;

	grow_old("manifest", "touched", PROMISE_S);
	m = get_manifest(&repo, &p.digest);
	ok(try_delete(&p));
	/* the one who looked before it was deleted */
	fails(manifest_promise(env.registry, env.pool, &m, PROMISE_S, &env.err),
	    E_NOTFOUND);
	assert_reason("MANIFEST_UNKNOWN");
	fails(find_digest(&repo, &p.digest, &again), E_NOTFOUND);
}

/* --- tags */

static void
test_tag_moves(void **state UNUSED)
{
	struct manifest_push one = push_manifest(&repo, "v1", blobs, 1);
	struct manifest_push two = push_manifest(&repo, "v1", blobs, 2);
	struct manifest m;

	ok(find_tag(&repo, "v1", &m));
	assert_true(oci_digest_equal(&m.digest, &two.digest));
	/* the old one is still there by digest, and for a while */
	ok(find_digest(&repo, &one.digest, &m));
	assert_sql(1,
	    "SELECT COUNT(*) FROM tag_history WHERE manifest_id = %s "
	    "AND name = 'v1' AND action = 1 AND expires > UTC_TIMESTAMP(6)",
	    sql_manifest_id(&one));
	assert_sql(1,
	    "SELECT COUNT(*) FROM gc_review WHERE kind = 1 AND id1 = %s",
	    sql_manifest_id(&one));
}

static void
test_tag_moves_back(void **state UNUSED)
{
	struct manifest_push one = push_manifest(&repo, "v1", blobs, 1);
	struct manifest_push two = push_manifest(&repo, "v1", blobs, 2);
	struct manifest m;

	ok(try_push(&one));
	ok(find_tag(&repo, "v1", &m));
	assert_true(oci_digest_equal(&m.digest, &one.digest));
	assert_sql(2,
	    "SELECT COUNT(*) FROM tag_history WHERE name = 'v1' "
	    "AND repository_id = %s",
	    sql_id(&repo.row.id));
	assert_sql(1,
	    "SELECT COUNT(*) FROM tag_history "
	    "WHERE manifest_id = %s",
	    sql_manifest_id(&two));
}

static void
test_tag_delete(void **state UNUSED)
{
	struct manifest_push p = push_manifest(&repo, "v1", blobs, 1);
	struct manifest m;

	set_tag(&p, "v2");
	ok(try_push(&p));
	ok(delete_tag("v1"));
	fails(find_tag(&repo, "v1", &m), E_NOTFOUND);
	ok(find_tag(&repo, "v2", &m));
	ok(find_digest(&repo, &p.digest, &m));
	fails(delete_tag("v1"), E_NOTFOUND);
	assert_reason("MANIFEST_UNKNOWN");
	ok(delete_tag("v2"));
	ok(find_digest(&repo, &p.digest, &m));
}

static void
test_tag_list(void **state UNUSED)
{
	static const char *const tags[] = { "B", "a", "a-1", "a.1", "a1", "b" };
	struct manifest_push p = new_manifest(&repo, NULL, blobs, 1);
	struct repo other = make_repo();
	const char **names;
	size_t count;

	for (size_t i = COUNT_OF(tags); i-- > 0;) {
		set_tag(&p, tags[i]);
		ok(try_push(&p));
	}
	ok(tag_list(env.registry, env.pool, &repo.row.id, "", 100, &names,
	    &count, &env.err));
	assert_int_equal(count, COUNT_OF(tags));
	for (size_t i = 0; i < count; i++)
		assert_string_equal(names[i], tags[i]);
	ok(tag_list(env.registry, env.pool, &repo.row.id, "a", 2, &names,
	    &count, &env.err));
	assert_int_equal(count, 2);
	assert_string_equal(names[0], "a-1");
	assert_string_equal(names[1], "a.1");
	ok(tag_list(env.registry, env.pool, &other.row.id, "", 100, &names,
	    &count, &env.err));
	assert_int_equal(count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, env_teardown)

static const struct CMUnitTest tests[] = {
	TEST(test_push_by_tag),
	TEST(test_push_by_digest),
	TEST(test_not_found),
	TEST(test_names_are_compared_byte_by_byte),
	TEST(test_push_again),
	TEST(test_same_blob_many_times),
	TEST(test_many_blobs),
	TEST(test_no_blobs),
	TEST(test_foreign_layers_need_not_be_here),
	TEST(test_subject_need_not_be_here),
	TEST(test_missing_blob),
	TEST(test_blob_of_another_repository),
	TEST(test_all_missing_are_named),
	TEST(test_deleted_blob_is_missing),
	TEST(test_damaged_blob_is_missing),
	TEST(test_index),
	TEST(test_index_of_what_is_missing),
	TEST(test_promise),
	TEST(test_promise_of_a_tagged_manifest_writes_nothing),
	TEST(test_promise_does_not_bring_back),
	TEST(test_tag_moves),
	TEST(test_tag_moves_back),
	TEST(test_tag_delete),
	TEST(test_tag_list),
};

UNIT_MAIN(tests)
