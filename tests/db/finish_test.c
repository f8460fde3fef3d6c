/*
 * The end of an upload: exactly one blob of its content, whatever happens.
 */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "tests/db/rows.h"
#include "tests/db/slow.h"

static struct repo repo;

static int
setup(void **state)
{
	slow_setup(state, "registry");
	repo = make_repo();
	return 0;
}

static int64_t
blobs_of(const char *text)
{
	struct oci_digest digest = sha256_of(text);

	return sql_int("SELECT COUNT(*) FROM blob_content WHERE sha256 = %s",
	    sql_bytes(digest.bytes, DIGEST_SHA256_SIZE));
}

/* --- finish */

static void
test_finish_new_content(void **state UNUSED)
{
	struct upload upload = make_upload(env.registry, &repo);
	struct oci_digest digest;
	struct repo_blob blob;
	const char *text = unique("content");

	ok(finish_upload(env.registry, &upload, text));
	digest = sha256_of(text);
	blob = find_blob(&repo, &digest);
	assert_int_equal(blob.size, strlen(text));
	assert_string_equal(blob.key, upload.key);
	assert_int_equal(object_state(&upload), LIVE);
	assert_sql(
	    0, "SELECT COUNT(*) FROM upload WHERE id = %s", sql_id(&upload.id));
}

static void
test_finish_known_content(void **state UNUSED)
{
	struct repo other = make_repo();
	const char *text = unique("content");
	struct oci_digest digest = push_blob(&other, text);
	struct upload upload = make_upload(env.registry, &repo);
	struct repo_blob blob;

	ok(finish_upload(env.registry, &upload, text));
	/* one content, one object; the bytes that came again go */
	assert_int_equal(blobs_of(text), 1);
	assert_int_equal(object_state(&upload), DOOMED);
	blob = find_blob(&repo, &digest);
	assert_string_equal(blob.key, find_blob(&other, &digest).key);
}

static void
test_finish_again_in_one_repository(void **state UNUSED)
{
	const char *text = unique("content");
	struct oci_digest digest = push_blob(&repo, text);

	grow_old("repo_blob", "touched", PROMISE_S);
	push_blob(&repo, text);
	/* what was pushed just now is kept from now on */
	assert_true(find_blob(&repo, &digest).age_s < PROMISE_S);
}

static void
test_finish_twice(void **state UNUSED)
{
	struct upload upload = make_upload(env.registry, &repo);
	const char *text = unique("content");

	/* the client's repeat, when the first answer was lost */
	ok(finish_upload(env.registry, &upload, text));
	ok(finish_upload(env.registry, &upload, text));
	fails(
	    finish_upload(env.registry, &upload, unique("other")), E_CONFLICT);
	assert_int_equal(blobs_of(text), 1);
}

/* it was dropped, and the same content came here long ago */
static void
test_finish_of_what_is_there_without_it(void **state UNUSED)
{
	struct upload upload = make_upload(env.registry, &repo);
	const char *text = unique("content");
	struct oci_digest digest = push_blob(&repo, text);

	grow_old("repo_blob", "touched", PROMISE_S);
	grow_old("gc_review", "review_after", PROMISE_S);
	ok(upload_cancel(env.registry, &upload, &env.err));
	ok(finish_upload(env.registry, &upload, text));
	assert_true(find_blob(&repo, &digest).age_s < PROMISE_S);
	assert_sql(1,
	    "SELECT COUNT(*) FROM gc_review WHERE kind = 2 AND id1 = %s "
	    "AND review_after > UTC_TIMESTAMP(6)",
	    sql_id(&repo.row.id));
	/* nobody could read that */
	sql("UPDATE blob_content SET damaged = 1 WHERE sha256 = %s",
	    sql_bytes(digest.bytes, DIGEST_SHA256_SIZE));
	fails(finish_upload(env.registry, &upload, text), E_CONFLICT);
}

struct finishing {
	struct upload upload;
	const char *text;
};

static int
finish_job(struct job *job)
{
	struct finishing *f = job->arg;
	struct upload_content content = content_of(f->text);

	return upload_finish(
	    job->db, job->pool, &f->upload, &content, PROMISE_S, &job->err);
}

static void
finish_both(struct finishing *one, struct finishing *two, const char *hold)
{
	struct job first, second;

	proxy_rule(proxy, PROXY_HOLD, hold);
	job_start(&first, finish_job, slow, one);
	proxy_wait_held(proxy);
	job_start(&second, finish_job, env.registry, two);
	wait_lock();
	proxy_release(proxy);
	job_ok(&first);
	job_ok(&second);
}

static void
test_two_finish_the_same_upload(void **state UNUSED)
{
	struct finishing f = { make_upload(env.registry, &repo),
		unique("content") };

	finish_both(&f, &f, "COMMIT");
	assert_int_equal(blobs_of(f.text), 1);
	assert_int_equal(object_state(&f.upload), LIVE);
}

static void
test_two_finish_the_same_content(void **state UNUSED)
{
	struct finishing one = { make_upload(env.registry, &repo),
		unique("content") };
	struct finishing two = { make_upload(env.registry, &repo), one.text };

	finish_both(&one, &two, "COMMIT");
	assert_int_equal(blobs_of(one.text), 1);
	assert_int_equal(object_state(&one.upload), LIVE);
	assert_int_equal(object_state(&two.upload), DOOMED);
}

static void
test_content_that_is_collected_meanwhile(void **state UNUSED)
{
	struct finishing f = { make_upload(env.registry, &repo),
		unique("content") };
	struct repo other = make_repo();
	struct oci_digest digest = push_blob(&other, f.text);
	struct repo_blob blob = find_blob(&other, &digest);
	struct job job;

	/* it was found, and is gone before it is linked */
	proxy_rule(proxy, PROXY_HOLD, "INSERT INTO repo_blob");
	job_start(&job, finish_job, slow, &f);
	proxy_wait_held(proxy);
	sql("START TRANSACTION;\n"
	    "DELETE FROM repo_blob WHERE blob_id = %s;\n"
	    "DELETE FROM blob_content WHERE id = %s;\n"
	    "UPDATE object SET state = 3, blob_id = NULL, "
	    "not_before = UTC_TIMESTAMP(6) WHERE object_key = '%s';\n"
	    "COMMIT;\n",
	    sql_id(&blob.blob_id), sql_id(&blob.blob_id), blob.key);
	proxy_release(proxy);
	job_ok(&job);
	assert_int_equal(blobs_of(f.text), 1);
	assert_int_equal(object_state(&f.upload), LIVE);
	assert_string_equal(find_blob(&repo, &digest).key, f.upload.key);
}

static void
test_finish_with_a_lost_commit(void **state UNUSED)
{
	static const enum proxy_act acts[] = { PROXY_CUT_BEFORE,
		PROXY_CUT_AFTER };

	for (size_t i = 0; i < COUNT_OF(acts); i++) {
		struct upload upload = make_upload(env.registry, &repo);
		const char *text = unique("content");

		proxy_rule(proxy, acts[i], "COMMIT");
		ok(finish_upload(slow, &upload, text));
		assert_true(proxy_is_used(proxy));
		assert_int_equal(blobs_of(text), 1);
		assert_int_equal(object_state(&upload), LIVE);
	}
}

/* --- damaged content */

static void
damage(const char *text)
{
	struct oci_digest digest = sha256_of(text);

	sql("UPDATE blob_content SET damaged = 1 WHERE sha256 = %s",
	    sql_bytes(digest.bytes, DIGEST_SHA256_SIZE));
}

static void
test_damaged_content_is_not_served(void **state UNUSED)
{
	const char *text = unique("content");
	const struct oci_digest digests[] = { push_blob(&repo, text),
		push_blob_sha512(&repo, text) };
	struct repo_blob blob;

	damage(text);
	for (size_t i = 0; i < COUNT_OF(digests); i++)
		fails(repo_blob_find(env.registry, env.pool, repo.path,
			  &digests[i], &blob, &env.err),
		    E_NOTFOUND);
}

static void
test_damaged_content_is_mended(void **state UNUSED)
{
	const char *text = unique("content");
	struct upload first = make_upload(env.registry, &repo);
	struct upload second;
	struct oci_digest digest = sha256_of(text);

	ok(finish_upload(env.registry, &first, text));
	damage(text);
	second = make_upload(env.registry, &repo);
	ok(finish_upload(env.registry, &second, text));
	assert_int_equal(object_state(&first), DOOMED);
	assert_int_equal(object_state(&second), LIVE);
	assert_string_equal(find_blob(&repo, &digest).key, second.key);
}

static void
test_two_mend_the_same_content(void **state UNUSED)
{
	struct finishing one = { make_upload(env.registry, &repo),
		unique("content") };
	struct finishing two = { make_upload(env.registry, &repo), one.text };
	struct oci_digest digest = push_blob(&repo, one.text);
	struct job job;

	damage(one.text);
	/* one has seen the damage, and comes when it is mended */
	proxy_rule(proxy, PROXY_HOLD, "UPDATE blob_content");
	job_start(&job, finish_job, slow, &one);
	proxy_wait_held(proxy);
	ok(finish_upload(env.registry, &two.upload, two.text));
	proxy_release(proxy);
	job_ok(&job);
	assert_int_equal(object_state(&two.upload), LIVE);
	assert_int_equal(object_state(&one.upload), DOOMED);
	assert_string_equal(find_blob(&repo, &digest).key, two.upload.key);
}

/* --- SHA-512 */

static void
test_sha512(void **state UNUSED)
{
	const char *text = unique("content");
	struct oci_digest long_one = push_blob_sha512(&repo, text);
	struct oci_digest short_one = sha256_of(text);

	assert_string_equal(
	    find_blob(&repo, &long_one).key, find_blob(&repo, &short_one).key);
}

static void
test_sha512_of_known_content(void **state UNUSED)
{
	const char *text = unique("content");
	struct oci_digest short_one = push_blob(&repo, text);
	struct oci_digest long_one = push_blob_sha512(&repo, text);

	assert_string_equal(
	    find_blob(&repo, &long_one).key, find_blob(&repo, &short_one).key);
	assert_int_equal(blobs_of(text), 1);
	/* and again */
	push_blob_sha512(&repo, text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, slow_teardown)

static const struct CMUnitTest tests[] = {
	TEST(test_finish_new_content),
	TEST(test_finish_known_content),
	TEST(test_finish_again_in_one_repository),
	TEST(test_finish_twice),
	TEST(test_finish_of_what_is_there_without_it),
	TEST(test_two_finish_the_same_upload),
	TEST(test_two_finish_the_same_content),
	TEST(test_content_that_is_collected_meanwhile),
	TEST(test_finish_with_a_lost_commit),
	TEST(test_damaged_content_is_not_served),
	TEST(test_damaged_content_is_mended),
	TEST(test_two_mend_the_same_content),
	TEST(test_sha512),
	TEST(test_sha512_of_known_content),
};

UNIT_MAIN(tests)
