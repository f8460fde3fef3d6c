/*
 * Uploads: one writer at a time, a take-over that never touches the old
 * object, and exactly one blob whatever happens at the end.
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

static int
find(const struct upload *upload, const char *path, struct upload *out)
{
	char id[RAND_ID_TEXT_SIZE];

	rand_id_put(id, &upload->id);
	return upload_find(env.registry, env.pool, path, id, out, &env.err);
}

static struct upload
look(const struct upload *upload)
{
	struct upload found;

	ok(find(upload, repo.path, &found));
	return found;
}

static void
expire_lease(const struct upload *upload)
{
	sql("UPDATE upload SET lease_until = UTC_TIMESTAMP(6) - "
	    "INTERVAL 1 SECOND WHERE id = %s",
	    sql_id(&upload->id));
}

/* --- start and find */

static void
test_start(void **state UNUSED)
{
	struct upload upload, found;

	ok(upload_start(env.registry, &repo.row.id, NULL, &upload, &env.err));
	found = look(&upload);
	assert_int_equal(found.received, 0);
	assert_int_equal(found.lease, UPLOAD_FREE);
	assert_int_equal(found.hash_state_size, 0);
	assert_string_equal(found.key, upload.key);
	assert_int_equal(object_state(&upload), UP);
}

static void
test_start_with_a_lost_commit(void **state UNUSED)
{
	struct upload upload;

	proxy_rule(proxy, PROXY_CUT_AFTER, "COMMIT");
	ok(upload_start(slow, &repo.row.id, NULL, &upload, &env.err));
	assert_int_equal(look(&upload).lease, UPLOAD_FREE);
	proxy_rule(proxy, PROXY_CUT_BEFORE, "COMMIT");
	ok(upload_start(slow, &repo.row.id, NULL, &upload, &env.err));
	assert_int_equal(look(&upload).lease, UPLOAD_FREE);
}

static void
test_find_only_in_its_repository(void **state UNUSED)
{
	static const char *const ids[] = { "", "x", "../..",
		"00000000-0000-7000-8000-000000000000",
		"00000000-0000-7000-8000-00000000000g" };
	struct repo other = make_repo();
	struct upload upload, found;

	ok(upload_start(env.registry, &repo.row.id, NULL, &upload, &env.err));
	fails(find(&upload, other.path, &found), E_NOTFOUND);
	assert_reason("BLOB_UPLOAD_UNKNOWN");
	fails(find(&upload, "no/where", &found), E_NOTFOUND);
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		fails(upload_find(env.registry, env.pool, repo.path, ids[i],
			  &found, &env.err),
		    E_NOTFOUND);
		assert_reason("BLOB_UPLOAD_UNKNOWN");
	}
}

/* --- one writer at a time */

static void
test_claim(void **state UNUSED)
{
	struct upload first = make_upload(env.registry, &repo);
	struct upload second = look(&first);

	assert_int_equal(second.lease, UPLOAD_HELD);
	assert_int_equal(second.epoch, first.epoch);
	fails(upload_claim(env.registry, &second, LEASE_S, &env.err), E_BUSY);
	assert_reason("BLOB_UPLOAD_INVALID");
}

static void
test_claim_of_what_changed_since(void **state UNUSED)
{
	struct upload first = make_upload(env.registry, &repo);
	struct upload late = look(&first);

	first.received = 10;
	ok(upload_record(env.registry, &first, &env.err));
	/* free again, but not as it was seen */
	fails(upload_claim(env.registry, &late, LEASE_S, &env.err), E_BUSY);
	late = look(&first);
	ok(upload_claim(env.registry, &late, LEASE_S, &env.err));
	assert_int_not_equal(late.epoch, first.epoch);
}

static int
claim_job(struct job *job)
{
	struct upload *upload = job->arg;

	return upload_claim(job->db, upload, LEASE_S, &job->err);
}

static void
test_two_claim_at_once(void **state UNUSED)
{
	struct upload upload, one, two;
	struct job job;

	ok(upload_start(env.registry, &repo.row.id, NULL, &upload, &env.err));
	one = two = look(&upload);
	proxy_rule(proxy, PROXY_HOLD, "COMMIT");
	job_start(&job, claim_job, slow, &one);
	proxy_wait_held(proxy);
	{
		struct job rival;

		job_start(&rival, claim_job, env.registry, &two);
		wait_lock();
		proxy_release(proxy);
		job_ok(&job);
		job_fails(&rival, E_BUSY);
	}
	assert_int_equal(look(&upload).epoch, one.epoch);
}

static void
test_claim_with_a_lost_commit(void **state UNUSED)
{
	struct upload upload, claimed;

	ok(upload_start(env.registry, &repo.row.id, NULL, &upload, &env.err));
	claimed = look(&upload);
	proxy_rule(proxy, PROXY_CUT_AFTER, "COMMIT");
	ok(upload_claim(slow, &claimed, LEASE_S, &env.err));
	assert_int_equal(look(&upload).epoch, claimed.epoch);
	ok(upload_record(env.registry, &claimed, &env.err));
}

static void
test_record_gives_the_lease_back(void **state UNUSED)
{
	struct upload upload = make_upload(env.registry, &repo);
	struct upload found;

	upload.received = 4711;
	memset(upload.hash_state, 7, sizeof(upload.hash_state));
	upload.hash_state_size = 112;
	ok(upload_record(env.registry, &upload, &env.err));
	found = look(&upload);
	assert_int_equal(found.lease, UPLOAD_FREE);
	assert_int_equal(found.received, 4711);
	assert_int_equal(found.hash_state_size, 112);
	assert_memory_equal(found.hash_state, upload.hash_state, 112);
	/* nothing known of the hash: it is computed again */
	ok(upload_claim(env.registry, &found, LEASE_S, &env.err));
	found.hash_state_size = 0;
	ok(upload_record(env.registry, &found, &env.err));
	assert_int_equal(look(&upload).hash_state_size, 0);
}

static void
test_large_uploads(void **state UNUSED)
{
	struct upload upload = make_upload(env.registry, &repo);

	upload.received = UINT64_C(5) << 40;
	ok(upload_record(env.registry, &upload, &env.err));
	assert_true(look(&upload).received == UINT64_C(5) << 40);
}

static void
test_renew(void **state UNUSED)
{
	struct upload upload = make_upload(env.registry, &repo);

	expire_lease(&upload);
	assert_int_equal(look(&upload).lease, UPLOAD_STALE);
	/* late, but nobody came in between */
	ok(upload_renew(env.registry, &upload, LEASE_S, &env.err));
	assert_int_equal(look(&upload).lease, UPLOAD_HELD);
}

/* --- take-over */

/* a stalled writer may still write to the object, or make it */
static void
assert_kept_for_a_day(const char *key)
{
	assert_sql(1,
	    "SELECT not_before > UTC_TIMESTAMP(6) + INTERVAL 23 HOUR "
	    "FROM object WHERE object_key = '%s'",
	    key);
}

static struct upload
take_over(const struct upload *old)
{
	struct upload upload = look(old);
	struct upload_spare spare;

	assert_int_equal(upload.lease, UPLOAD_STALE);
	ok(upload_claim(env.registry, &upload, LEASE_S, &env.err));
	ok(upload_spare(env.registry, &spare, &env.err));
	/* until it is the upload's, it is due for removal */
	assert_sql(DOOMED, "SELECT state FROM object WHERE object_key = '%s'",
	    spare.key);
	/* but not while the copy is made */
	assert_kept_for_a_day(spare.key);
	ok(upload_move(env.registry, &upload, &spare, &env.err));
	assert_string_equal(upload.key, spare.key);
	return upload;
}

static void
test_take_over_has_a_key_of_its_own(void **state UNUSED)
{
	struct upload old = make_upload(env.registry, &repo);
	struct upload upload;

	expire_lease(&old);
	upload = take_over(&old);
	assert_string_not_equal(upload.key, old.key);
	assert_string_equal(look(&old).key, upload.key);
	assert_int_equal(object_state(&old), DOOMED);
	assert_kept_for_a_day(old.key);
	assert_int_equal(object_state(&upload), UP);
}

/* its own take-over would leave the first one's copy to nobody */
static void
test_claim_of_what_was_taken_over_since(void **state UNUSED)
{
	struct upload old = make_upload(env.registry, &repo);
	struct upload_spare spare;
	struct upload upload, late;

	expire_lease(&old);
	upload = look(&old);
	ok(upload_claim(env.registry, &upload, LEASE_S, &env.err));
	late = look(&old);
	ok(upload_spare(env.registry, &spare, &env.err));
	ok(upload_move(env.registry, &upload, &spare, &env.err));
	/* and that one stalls as well */
	expire_lease(&old);
	fails(upload_claim(env.registry, &late, LEASE_S, &env.err), E_BUSY);
	upload = take_over(&old);
	assert_int_equal(object_state(&upload), UP);
}

static void
test_old_writer_is_shut_out(void **state UNUSED)
{
	struct upload old = make_upload(env.registry, &repo);
	struct upload_spare spare;
	struct upload upload;

	expire_lease(&old);
	upload = take_over(&old);
	old.received = 999;
	fails(upload_renew(env.registry, &old, LEASE_S, &env.err), E_CONFLICT);
	assert_reason("BLOB_UPLOAD_INVALID");
	fails(upload_record(env.registry, &old, &env.err), E_CONFLICT);
	assert_reason("BLOB_UPLOAD_INVALID");
	fails(finish_upload(env.registry, &old, unique("old")), E_CONFLICT);
	assert_reason("BLOB_UPLOAD_INVALID");
	fails(upload_cancel(env.registry, &old, &env.err), E_CONFLICT);
	assert_reason("BLOB_UPLOAD_INVALID");
	ok(upload_spare(env.registry, &spare, &env.err));
	fails(upload_move(env.registry, &old, &spare, &env.err), E_CONFLICT);
	assert_reason("BLOB_UPLOAD_INVALID");
	/* nothing of that touched the new writer's */
	assert_int_equal(look(&upload).received, 0);
	assert_int_equal(object_state(&upload), UP);
	ok(finish_upload(env.registry, &upload, unique("new")));
	assert_int_equal(object_state(&upload), LIVE);
}

static void
test_move_with_a_lost_commit(void **state UNUSED)
{
	struct upload old = make_upload(env.registry, &repo);
	struct upload_spare spare;
	struct upload upload;

	expire_lease(&old);
	upload = look(&old);
	ok(upload_claim(env.registry, &upload, LEASE_S, &env.err));
	ok(upload_spare(env.registry, &spare, &env.err));
	proxy_rule(proxy, PROXY_CUT_AFTER, "COMMIT");
	ok(upload_move(slow, &upload, &spare, &env.err));
	assert_string_equal(look(&old).key, spare.key);
	assert_int_equal(object_state(&old), DOOMED);
	assert_int_equal(object_state(&upload), UP);
}

static void
test_spare_that_was_removed(void **state UNUSED)
{
	struct upload old = make_upload(env.registry, &repo);
	struct upload_spare spare;
	struct upload upload;

	/* a copy that took longer than a spare is kept */
	expire_lease(&old);
	upload = look(&old);
	ok(upload_claim(env.registry, &upload, LEASE_S, &env.err));
	ok(upload_spare(env.registry, &spare, &env.err));
	sql("DELETE FROM object WHERE object_key = '%s'", spare.key);
	fails(upload_move(env.registry, &upload, &spare, &env.err), E_CONFLICT);
	assert_string_equal(look(&old).key, old.key);
	assert_int_equal(object_state(&old), UP);
}

static void
test_spare_with_a_lost_commit(void **state UNUSED)
{
	struct upload_spare spare;

	proxy_rule(proxy, PROXY_CUT_AFTER, "COMMIT");
	ok(upload_spare(slow, &spare, &env.err));
	assert_sql(1, "SELECT COUNT(*) FROM object WHERE object_key = '%s'",
	    spare.key);
}

/* --- cancel */

static void
test_cancel(void **state UNUSED)
{
	struct upload upload = make_upload(env.registry, &repo);
	struct upload found;

	ok(upload_cancel(env.registry, &upload, &env.err));
	fails(find(&upload, repo.path, &found), E_NOTFOUND);
	assert_int_equal(object_state(&upload), DOOMED);
	fails(upload_cancel(env.registry, &upload, &env.err), E_CONFLICT);
}

static void
test_cancel_when_a_writer_has_stalled(void **state UNUSED)
{
	struct upload upload = make_upload(env.registry, &repo);

	expire_lease(&upload);
	upload = look(&upload);
	ok(upload_claim(env.registry, &upload, LEASE_S, &env.err));
	ok(upload_cancel(env.registry, &upload, &env.err));
	assert_kept_for_a_day(upload.key);
}

static void
test_cancel_with_a_lost_commit(void **state UNUSED)
{
	struct upload upload = make_upload(env.registry, &repo);

	proxy_rule(proxy, PROXY_CUT_AFTER, "COMMIT");
	ok(upload_cancel(slow, &upload, &env.err));
	assert_int_equal(object_state(&upload), DOOMED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, slow_teardown)

static const struct CMUnitTest tests[] = {
	TEST(test_start),
	TEST(test_start_with_a_lost_commit),
	TEST(test_find_only_in_its_repository),
	TEST(test_claim),
	TEST(test_claim_of_what_changed_since),
	TEST(test_two_claim_at_once),
	TEST(test_claim_with_a_lost_commit),
	TEST(test_record_gives_the_lease_back),
	TEST(test_large_uploads),
	TEST(test_renew),
	TEST(test_take_over_has_a_key_of_its_own),
	TEST(test_claim_of_what_was_taken_over_since),
	TEST(test_old_writer_is_shut_out),
	TEST(test_move_with_a_lost_commit),
	TEST(test_spare_that_was_removed),
	TEST(test_spare_with_a_lost_commit),
	TEST(test_cancel),
	TEST(test_cancel_when_a_writer_has_stalled),
	TEST(test_cancel_with_a_lost_commit),
};

UNIT_MAIN(tests)
