/* What tags pointed to, and tags that come back. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/model/event.h"
#include "common/model/tag_history.h"
#include "tests/db/rows.h"
#include "tests/db/slow.h"

static const struct actor caller;
static struct repo repo;
static struct oci_digest blobs[2];

static int
setup(void **state)
{
	slow_setup(state, "owner");
	repo = make_repo();
	for (size_t i = 0; i < COUNT_OF(blobs); i++)
		blobs[i] = push_blob(&repo, unique("blob"));
	return 0;
}

static struct tag_restore
to_restore(const char *tag)
{
	return (struct tag_restore){ .path = repo.path,
		.repository = &repo.row,
		.tag = tag,
		.actor = &caller,
		.history_s = HISTORY_S };
}

static int
restore(const char *tag, const struct oci_digest *digest)
{
	struct tag_restore r = to_restore(tag);

	r.digest = digest;
	return tag_restore(env.owner, env.pool, &r, &env.err);
}

static void
assert_tag(const char *tag, const struct manifest_push *push)
{
	struct manifest m;

	ok(find_tag(&repo, tag, &m));
	assert_true(oci_digest_equal(&m.digest, &push->digest));
}

static int64_t
changes_of(const char *tag)
{
	return sql_int("SELECT COUNT(*) FROM tag_history "
		       "WHERE repository_id = %s AND name = '%s'",
	    sql_id(&repo.row.id), tag);
}

static int64_t
events(void)
{
	return sql_int("SELECT COUNT(*) FROM event WHERE repository_id = %s",
	    sql_id(&repo.row.id));
}

static void
assert_text_has(const struct oci_digest *digest)
{
	char text[OCI_DIGEST_TEXT_SIZE];

	oci_digest_put(text, digest);
	assert_non_null(strstr(env.err.text, text));
}

/* --- back */

static void
test_tag_that_was_moved(void **state UNUSED)
{
	struct manifest_push one = push_manifest(&repo, "v1", blobs, 1);
	struct manifest_push two = push_manifest(&repo, "v1", blobs, 2);
	struct tag_restore r = to_restore("v1");
	int64_t before = events();

	ok(tag_restore(env.owner, env.pool, &r, &env.err));
	assert_tag("v1", &one);
	assert_true(r.is_changed && r.was_there);
	assert_true(oci_digest_equal(&r.now.digest, &one.digest));
	assert_true(oci_digest_equal(&r.before.digest, &two.digest));
	/* as with a push, the other one is kept and looked at later */
	assert_sql(1,
	    "SELECT COUNT(*) FROM gc_review WHERE kind = 1 AND id1 = %s",
	    sql_manifest_id(&two));
	assert_int_equal(events(), before + 1);
	ok(restore("v1", NULL));
	assert_tag("v1", &two);
	assert_int_equal(changes_of("v1"), 3);
}

static void
test_tag_that_was_deleted_with_all_it_had(void **state UNUSED)
{
	struct manifest_push one = push_manifest(&repo, "v1", blobs, 2);
	struct manifest m;

	ok(try_delete(&one));
	ok(delete_blob(&repo, &blobs[0]));
	ok(restore("v1", NULL));
	assert_tag("v1", &one);
	ok(find_digest(&repo, &one.digest, &m));
	find_blob(&repo, &blobs[0]);
	/* also without the manifest */
	ok(try_delete(&one));
	find_blob(&repo, &blobs[0]);
}

static void
test_tag_that_is_there_already(void **state UNUSED)
{
	struct manifest_push one = push_manifest(&repo, "v1", blobs, 1);
	struct manifest_push two = push_manifest(&repo, "v1", blobs, 1);
	struct tag_restore r = to_restore("v1");
	int64_t before;

	ok(restore("v1", &one.digest));
	ok(restore("v1", &two.digest));
	before = events();
	r.digest = &two.digest;
	ok(tag_restore(env.owner, env.pool, &r, &env.err));
	assert_false(r.is_changed);
	assert_tag("v1", &two);
	assert_int_equal(events(), before);
	assert_int_equal(changes_of("v1"), 3);
}

static void
test_what_is_not_in_the_history(void **state UNUSED)
{
	struct manifest_push one = push_manifest(&repo, "v1", blobs, 1);
	struct manifest_push other = push_manifest(&repo, "v2", blobs, 1);
	struct oci_digest none = sha256_of("none");

	fails(restore("v1", NULL), E_NOTFOUND);
	fails(restore("v3", NULL), E_NOTFOUND);
	fails(restore("v1", &one.digest), E_NOTFOUND);
	fails(restore("v1", &other.digest), E_NOTFOUND);
	assert_text_has(&other.digest);
	fails(restore("v1", &none), E_NOTFOUND);
	assert_reason("MANIFEST_UNKNOWN");
	assert_non_null(strstr(env.err.text, "is gone"));
	ok(try_delete(&one));
	grow_old("tag_history", "expires", HISTORY_S);
	fails(restore("v1", NULL), E_NOTFOUND);
	fails(restore("v1", &one.digest), E_NOTFOUND);
	assert_non_null(strstr(env.err.text, "expired"));
}

static void
test_manifest_without_its_blob(void **state UNUSED)
{
	struct manifest_push one = push_manifest(&repo, "v1", blobs, 2);
	struct manifest m;
	int64_t before;

	ok(try_delete(&one));
	sql("UPDATE repo_blob SET hidden = 2 WHERE repository_id = %s AND "
	    "blob_id = (SELECT id FROM blob_content WHERE sha256 = %s)",
	    sql_id(&repo.row.id),
	    sql_bytes(blobs[1].bytes, DIGEST_SHA256_SIZE));
	before = events();
	fails(restore("v1", NULL), E_CONFLICT);
	assert_reason("MANIFEST_BLOB_UNKNOWN");
	assert_text_has(&blobs[1]);
	/* refused means unchanged */
	fails(find_tag(&repo, "v1", &m), E_NOTFOUND);
	fails(find_digest(&repo, &one.digest, &m), E_NOTFOUND);
	assert_int_equal(events(), before);
}

static void
test_index_without_its_child(void **state UNUSED)
{
	struct manifest_push one = push_manifest(&repo, "one", blobs, 1);
	struct manifest_push index = push_index(&repo, "all", &one.digest, 1);

	ok(try_delete(&index));
	ok(try_delete(&one));
	fails(restore("all", NULL), E_CONFLICT);
	assert_text_has(&one.digest);
	ok(restore("one", NULL));
	ok(restore("all", NULL));
	assert_tag("all", &index);
	fails(try_delete(&one), E_CONFLICT);
}

/* --- the list */

/* All pages, as "tag tag ..." */
static const char *
list(const char *tag, size_t limit, size_t *count_out)
{
	struct tag_past *page = NULL;
	const char *text = "";
	size_t count = limit;

	*count_out = 0;
	while (count == limit) {
		ok(tag_history_list(env.owner, env.pool, &repo.row.id, tag,
		    page != NULL ? &page[limit - 1] : NULL, limit, &page,
		    &count, &env.err));
		for (size_t i = 0; i < count; i++)
			text =
			    pool_printf(env.pool, "%s %s", text, page[i].tag);
		*count_out += count;
	}
	return text;
}

static void
test_pages_of_changes(void **state UNUSED)
{
	struct tag_past *page;
	size_t count;

	for (int i = 0; i < 4; i++) {
		push_manifest(&repo, "a", blobs, 1);
		push_manifest(&repo, "b", blobs, 1);
	}
	assert_string_equal(list(NULL, 1, &count), " b a b a b a");
	assert_string_equal(list("a", 2, &count), " a a a");
	assert_string_equal(list("none", 2, &count), "");
	ok(tag_history_list(env.owner, env.pool, &repo.row.id, "a", NULL, 10,
	    &page, &count, &env.err));
	assert_int_equal(count, 3);
	assert_true(page[0].is_live && !page[0].is_deletion);
	assert_null(page[0].account);
	assert_int_equal(strlen(page[0].happened), 20);
	/* of one moment */
	sql("UPDATE tag_history SET happened = '2026-01-02 03:04:05.000006' "
	    "WHERE repository_id = %s",
	    sql_id(&repo.row.id));
	list(NULL, 2, &count);
	assert_int_equal(count, 6);
	assert_string_equal(list("b", 2, &count), " b b b");
	ok(tag_history_list(env.owner, env.pool, &repo.row.id, "a", NULL, 1,
	    &page, &count, &env.err));
	assert_string_equal(page[0].happened, "2026-01-02T03:04:05Z");
}

/* --- lost COMMITs */

static void
test_restore_with_a_lost_commit(void **state UNUSED)
{
	static const enum proxy_act acts[] = { PROXY_CUT_BEFORE,
		PROXY_CUT_AFTER };

	for (size_t i = 0; i < COUNT_OF(acts); i++) {
		const char *tag = pool_strdup(env.pool, unique("t"));
		struct manifest_push one = push_manifest(&repo, tag, blobs, 1);
		struct tag_restore r = to_restore(tag);

		push_manifest(&repo, tag, blobs, 1);
		proxy_rule(proxy, acts[i], "COMMIT");
		ok(tag_restore(slow, env.pool, &r, &env.err));
		assert_true(proxy_is_used(proxy));
		/* a second one would have moved it back */
		assert_tag(tag, &one);
		assert_true(r.is_changed);
		assert_int_equal(changes_of(tag), 2);
	}
}

static int
restore_job(struct job *job)
{
	return tag_restore(job->db, job->pool, job->arg, &job->err);
}

/* its COMMIT is still under way when it is run again */
static void
test_restore_with_a_late_commit(void **state UNUSED)
{
	struct manifest_push one = push_manifest(&repo, "v1", blobs, 1);
	struct tag_restore r = to_restore("v1");
	struct job job;

	push_manifest(&repo, "v1", blobs, 1);
	proxy_rule(proxy, PROXY_CUT_LATE, "COMMIT");
	job_start(&job, restore_job, slow, &r);
	proxy_wait_held(proxy);
	wait_lock();
	proxy_release(proxy);
	job_ok(&job);
	assert_tag("v1", &one);
	assert_int_equal(changes_of("v1"), 2);
}

static void
test_deadlock(void **state UNUSED)
{
	struct manifest_push one = push_manifest(&repo, "v1", blobs, 1);
	struct tag_restore r = to_restore("v1");

	push_manifest(&repo, "v1", blobs, 1);
	proxy_answer(proxy, 1213, "COMMIT", 1);
	ok(tag_restore(slow, env.pool, &r, &env.err));
	assert_true(proxy_is_used(proxy));
	assert_tag("v1", &one);
	assert_int_equal(changes_of("v1"), 2);
}

/* --- races */

static int
delete_job(struct job *job)
{
	return delete_manifest(job->db, job->arg, &job->err);
}

/* The first is held before its COMMIT while the other one comes. */
static void
meet(struct job *first, int (*run)(struct job *job), void *arg,
    struct job *other, int (*other_run)(struct job *job), void *other_arg)
{
	proxy_rule(proxy, PROXY_HOLD, "COMMIT");
	job_start(first, run, slow, arg);
	proxy_wait_held(proxy);
	job_start(other, other_run, env.owner, other_arg);
	wait_lock();
	proxy_release(proxy);
}

static void
test_restore_to_what_is_being_deleted(void **state UNUSED)
{
	for (int order = 0; order < 2; order++) {
		const char *tag = pool_strdup(env.pool, unique("t"));
		struct manifest_push one = push_manifest(&repo, tag, blobs, 1);
		struct manifest m = get_manifest(&repo, &one.digest);
		struct tag_restore r = to_restore(tag);
		struct manifest_push two = push_manifest(&repo, tag, blobs, 2);
		struct job back, gone;

		if (order == 0)
			meet(&back, restore_job, &r, &gone, delete_job, &m);
		else
			meet(&gone, delete_job, &m, &back, restore_job, &r);
		job_ok(&gone);
		job_ok(&back);
		assert_true(r.is_changed);
		/* the later one is right; that no tag points to a deleted
		 * manifest is looked at after each test */
		if (order == 1) {
			assert_tag(tag, &one);
			continue;
		}
		fails(find_tag(&repo, tag, &m), E_NOTFOUND);
		ok(restore(tag, &two.digest));
	}
}

static void
test_index_that_comes_back_while_its_child_goes(void **state UNUSED)
{
	for (int order = 0; order < 2; order++) {
		const char *tag = pool_strdup(env.pool, unique("t"));
		struct manifest_push one = push_manifest(&repo, NULL, blobs, 1);
		struct manifest_push index =
		    push_index(&repo, tag, &one.digest, 1);
		struct manifest m = get_manifest(&repo, &one.digest);
		struct tag_restore r = to_restore(tag);
		struct job back, gone;

		ok(try_delete(&index));
		if (order == 0) {
			meet(&back, restore_job, &r, &gone, delete_job, &m);
			job_ok(&back);
			job_fails(&gone, E_CONFLICT);
			assert_tag(tag, &index);
		} else {
			meet(&gone, delete_job, &m, &back, restore_job, &r);
			job_ok(&gone);
			job_fails(&back, E_CONFLICT);
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, slow_teardown)

static const struct CMUnitTest tests[] = {
	TEST(test_tag_that_was_moved),
	TEST(test_tag_that_was_deleted_with_all_it_had),
	TEST(test_tag_that_is_there_already),
	TEST(test_what_is_not_in_the_history),
	TEST(test_manifest_without_its_blob),
	TEST(test_index_without_its_child),
	TEST(test_pages_of_changes),
	TEST(test_restore_with_a_lost_commit),
	TEST(test_restore_with_a_late_commit),
	TEST(test_deadlock),
	TEST(test_restore_to_what_is_being_deleted),
	TEST(test_index_that_comes_back_while_its_child_goes),
};

UNIT_MAIN(tests)
