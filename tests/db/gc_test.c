/* What nobody needs: uploads that stand still, and objects that are doomed. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/blob/blob.h"
#include "common/model/gc.h"
#include "tests/db/rows.h"
#include "tests/db/slow.h"

#define IDLE_S  INT64_C(604800)
#define DELAY_S INT64_C(7200)

static struct repo repo;
static struct blob_store *store;

static struct gc_result
remove_objects(struct db *db, uint64_t max)
{
	struct gc_result result;
	struct err last;

	ok(gc_objects(db, store, max, &result, &last, &env.err));
	assert_int_equal(last.code, 0);
	return result;
}

static int
setup(void **state)
{
	slow_setup(state, "owner");
	repo = make_repo();
	ok(blob_store_open(&store, &env.conf, &env.err));
	/* what other tests have left */
	remove_objects(env.owner, UINT64_MAX);
	return 0;
}

static int
teardown(void **state)
{
	blob_store_close(&store);
	return slow_teardown(state);
}

static struct upload
make_idle_upload(void)
{
	struct upload upload = make_upload(env.registry, &repo);

	ok(upload_record(env.registry, &upload, &env.err));
	grow_old("upload", "touched", IDLE_S + 1);
	return upload;
}

static int64_t
count_of(const struct upload *upload)
{
	return sql_int(
	    "SELECT COUNT(*) FROM upload WHERE id = %s", sql_id(&upload->id));
}

static int
drop_job(struct job *job)
{
	struct gc_result *result = job->arg;

	return gc_uploads(job->db, IDLE_S, DELAY_S, 10, result, &job->err);
}

static void
test_an_upload_that_goes_on_after_all_stays(void **state UNUSED)
{
	struct upload upload = make_idle_upload();
	struct gc_result result;
	struct job job;

	/* it was found idle, and is worked on before it is dropped */
	proxy_rule(proxy, PROXY_HOLD, "DELETE FROM upload");
	job_start(&job, drop_job, slow, &result);
	proxy_wait_held(proxy);
	ok(upload_claim(env.registry, &upload, LEASE_S, &env.err));
	ok(upload_record(env.registry, &upload, &env.err));
	proxy_release(proxy);
	job_ok(&job);
	assert_int_equal(result.removed, 0);
	assert_int_equal(count_of(&upload), 1);
	assert_int_equal(object_state(&upload), UP);
}

/* more than are looked at together */
#define MANY 450

static void
make_many_idle(void)
{
	const char *prefix = unique("idle");

	sql("INSERT INTO object (id, store, object_key, state, created) "
	    "SELECT UNHEX(MD5(CONCAT('%s', seq))), 'filesystem', "
	    "MD5(CONCAT('%s', seq)), 1, UTC_TIMESTAMP(6) FROM seq_1_to_%d",
	    prefix, prefix, MANY);
	sql("INSERT INTO upload (id, repository_id, object_id, lease_until, "
	    "started, touched) SELECT id, %s, id, '1970-01-01', "
	    "UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) - INTERVAL 8 DAY FROM object "
	    "WHERE object_key IN "
	    "(SELECT MD5(CONCAT('%s', seq)) FROM seq_1_to_%d)",
	    sql_id(&repo.row.id), prefix, MANY);
}

static void
test_all_go_in_one_call(void **state UNUSED)
{
	struct gc_result result;

	make_many_idle();
	ok(gc_uploads(env.owner, IDLE_S, 0, UINT64_MAX, &result, &env.err));
	assert_int_equal(result.removed, MANY);
	assert_int_equal(remove_objects(env.owner, UINT64_MAX).removed, MANY);
}

static void
test_no_more_go_than_were_asked_for(void **state UNUSED)
{
	struct gc_result result;

	make_many_idle();
	ok(gc_uploads(env.owner, IDLE_S, 0, 300, &result, &env.err));
	assert_int_equal(result.removed, 300);
	assert_int_equal(remove_objects(env.owner, 250).removed, 250);
	ok(gc_uploads(env.owner, IDLE_S, 0, UINT64_MAX, &result, &env.err));
	assert_int_equal(result.removed, MANY - 300);
	assert_int_equal(
	    remove_objects(env.owner, UINT64_MAX).removed, MANY - 250);
}

/* an object of four bytes that is to go */
static void
make_doomed(void)
{
	struct upload upload = make_upload(env.registry, &repo);
	struct blob_writer *writer;

	ok(blob_write_open(store, upload.key, 0, &writer, &env.err));
	ok(blob_write(writer, "1234", 4, &env.err));
	ok(blob_write_sync(writer, &env.err));
	blob_write_close(&writer);
	ok(upload_cancel(env.registry, &upload, &env.err));
}

static void
test_freed_bytes_with_a_lost_commit(void **state UNUSED)
{
	static const enum proxy_act acts[] = { PROXY_CUT_BEFORE,
		PROXY_CUT_AFTER };
	static const char freed[] = "SELECT COALESCE(SUM(bytes), 0) "
				    "FROM gc_freed";

	for (size_t i = 0; i < COUNT_OF(acts); i++) {
		int64_t before = sql_int(freed);

		make_doomed();
		proxy_rule(proxy, acts[i], "COMMIT");
		assert_int_equal(remove_objects(slow, 10).removed, 1);
		assert_true(proxy_is_used(proxy));
		assert_int_equal(sql_int(freed), before + 4);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(test_an_upload_that_goes_on_after_all_stays),
	TEST(test_all_go_in_one_call),
	TEST(test_no_more_go_than_were_asked_for),
	TEST(test_freed_bytes_with_a_lost_commit),
};

UNIT_MAIN(tests)
