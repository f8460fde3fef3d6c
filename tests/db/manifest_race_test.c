/*
 * Pushes, deletions and garbage collection that meet: one is held between
 * two of its statements while another comes. Whoever was answered "done" is
 * right afterwards (the invariants are checked after each test).
 */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/model/tag.h"
#include "tests/db/proxy.h"
#include "tests/db/rows.h"

static struct repo repo;
static struct oci_digest blob;
static struct proxy *proxy;
static struct db *slow; /* through the proxy */

static int
setup(void **state)
{
	env_setup(state);
	repo = make_repo();
	blob = push_blob(&repo, unique("blob"));
	proxy = proxy_start(env_socket("proxy"), env.conf.db_hosts);
	slow = env_db("registry", env_socket("proxy"));
	return 0;
}

static int
teardown(void **state)
{
	db_free(&slow);
	proxy_stop(&proxy);
	return env_teardown(state);
}

static int
push_job(struct job *job)
{
	struct manifest_push *p = job->arg;

	return manifest_push(job->db, job->pool, p, &job->err);
}

static int
delete_job(struct job *job)
{
	const struct manifest *m = job->arg;

	return delete_manifest(job->db, m, &job->err);
}

static int
delete_blob_job(struct job *job)
{
	const struct repo_blob *b = job->arg;

	return repo_blob_delete(job->db, job->pool, b, false, NULL, &job->err);
}

static int
delete_tag_job(struct job *job)
{
	struct tag_change change = { .repository_id = repo.row.id,
		.name = job->arg,
		.history_s = HISTORY_S,
		.history_id = rand_id_new() };

	return tag_delete(job->db, job->pool, &change, &job->err);
}

/* The first is held before this statement; the second has to wait for it. */
static void
overlap(struct job *first, struct job *second, const char *hold,
    int (*run_first)(struct job *), void *first_arg,
    int (*run_second)(struct job *), void *second_arg)
{
	proxy_rule(proxy, PROXY_HOLD, hold);
	job_start(first, run_first, slow, first_arg);
	proxy_wait_held(proxy);
	job_start(second, run_second, env.registry, second_arg);
	wait_lock();
	proxy_release(proxy);
}

static int
push(struct manifest_push *p)
{
	return manifest_push(env.registry, env.pool, p, &env.err);
}

static void delete (const struct oci_digest *digest)
{
	struct manifest m = get_manifest(&repo, digest);

	ok(delete_manifest(env.registry, &m, &env.err));
}

/* --- the same manifest */

static void
test_two_push_the_same(void **state UNUSED)
{
	struct manifest_push one = new_manifest(&repo, "v1", &blob, 1);
	struct manifest_push two = one;
	struct job first, second;
	struct manifest m;

	set_tag(&two, "v2");
	overlap(&first, &second, "COMMIT", push_job, &one, push_job, &two);
	job_ok(&first);
	job_ok(&second);
	ok(find_tag(&repo, "v1", &m));
	ok(find_tag(&repo, "v2", &m));
	assert_true(oci_digest_equal(&m.digest, &one.digest));
}

static void
test_two_push_the_same_tag(void **state UNUSED)
{
	struct manifest_push one = new_manifest(&repo, "v1", &blob, 1);
	struct manifest_push two = new_manifest(&repo, "v1", &blob, 1);
	struct job first, second;
	struct manifest m;

	overlap(&first, &second, "COMMIT", push_job, &one, push_job, &two);
	job_ok(&first);
	job_ok(&second);
	ok(find_tag(&repo, "v1", &m));
	assert_true(oci_digest_equal(&m.digest, &two.digest));
	/* the one that was there for a moment is remembered */
	assert_sql(1,
	    "SELECT COUNT(*) FROM tag_history WHERE repository_id = %s",
	    sql_id(&repo.row.id));
}

static void
test_two_move_a_tag(void **state UNUSED)
{
	struct manifest_push one = new_manifest(&repo, "v1", &blob, 1);
	struct manifest_push two = new_manifest(&repo, "v1", &blob, 1);
	struct job first, second;

	push_manifest(&repo, "v1", &blob, 1);
	overlap(&first, &second, "COMMIT", push_job, &one, push_job, &two);
	job_ok(&first);
	job_ok(&second);
	/* each of the three stands in the history or is the tag's now */
	assert_sql(2,
	    "SELECT COUNT(DISTINCT manifest_id) FROM tag_history "
	    "WHERE repository_id = %s",
	    sql_id(&repo.row.id));
}

static void
test_tag_moves_while_it_is_deleted(void **state UNUSED)
{
	struct manifest_push two = new_manifest(&repo, "v1", &blob, 1);
	char name[] = "v1";
	struct job first, second;
	struct manifest m;

	push_manifest(&repo, "v1", &blob, 1);
	overlap(
	    &first, &second, "COMMIT", push_job, &two, delete_tag_job, name);
	job_ok(&first);
	job_ok(&second);
	/* the deletion came last: the tag is gone, both are remembered */
	fails(find_tag(&repo, "v1", &m), E_NOTFOUND);
	assert_sql(2,
	    "SELECT COUNT(*) FROM tag_history WHERE repository_id = %s",
	    sql_id(&repo.row.id));
}

/* --- push and deletion of the manifest */

static void
test_tag_for_what_is_being_deleted(void **state UNUSED)
{
	struct manifest_push p = push_manifest(&repo, NULL, &blob, 1);
	struct manifest m = get_manifest(&repo, &p.digest);
	struct job first, second;

	/* all is done but the COMMIT */
	set_tag(&p, "v1");
	overlap(&first, &second, "COMMIT", delete_job, &m, push_job, &p);
	job_ok(&first);
	job_ok(&second);
	/* pulled by tag, then by digest, as clients do */
	ok(find_tag(&repo, "v1", &m));
	ok(find_digest(&repo, &p.digest, &m));
}

static void
test_deletion_of_what_is_being_tagged(void **state UNUSED)
{
	struct manifest_push p = push_manifest(&repo, NULL, &blob, 1);
	struct manifest m = get_manifest(&repo, &p.digest);
	struct job first, second;

	set_tag(&p, "v1");
	overlap(&first, &second, "COMMIT", push_job, &p, delete_job, &m);
	job_ok(&first);
	job_ok(&second);
	fails(find_tag(&repo, "v1", &m), E_NOTFOUND);
	fails(find_digest(&repo, &p.digest, &m), E_NOTFOUND);
}

static void
test_push_by_digest_of_what_is_being_deleted(void **state UNUSED)
{
	struct manifest_push p = push_manifest(&repo, NULL, &blob, 1);
	struct manifest m = get_manifest(&repo, &p.digest);
	struct job first, second;

	overlap(&first, &second, "COMMIT", delete_job, &m, push_job, &p);
	job_ok(&first);
	job_ok(&second);
	ok(find_digest(&repo, &p.digest, &m));
}

/* what a review does in the end (gc) */
static void
collect(const struct manifest *m)
{
	sql("START TRANSACTION;\n"
	    "DELETE FROM tag_history WHERE manifest_id = %s;\n"
	    "DELETE FROM manifest_blob WHERE manifest_id = %s;\n"
	    "DELETE FROM manifest_child WHERE parent_id = %s;\n"
	    "DELETE FROM manifest_payload WHERE manifest_id = %s;\n"
	    "DELETE FROM manifest WHERE id = %s;\n"
	    "COMMIT;\n",
	    sql_id(&m->id), sql_id(&m->id), sql_id(&m->id), sql_id(&m->id),
	    sql_id(&m->id));
}

static void
test_push_of_what_is_collected(void **state UNUSED)
{
	static const char *const holds[] = { "SELECT id, hidden",
		"START TRANSACTION" };

	for (size_t i = 0; i < COUNT_OF(holds); i++) {
		struct manifest_push p = push_manifest(&repo, NULL, &blob, 1);
		struct manifest m = get_manifest(&repo, &p.digest);
		struct job job;

		proxy_rule(proxy, PROXY_HOLD, holds[i]);
		job_start(&job, push_job, slow, &p);
		proxy_wait_held(proxy);
		collect(&m);
		proxy_release(proxy);
		job_ok(&job);
		/* answered "created": it is there */
		ok(find_digest(&repo, &p.digest, &m));
	}
}

static int
collect_job(struct job *job)
{
	struct manifest *m = job->arg;
	struct db_options options = {
		.hosts = env.conf.db_hosts,
		.database = env.conf.db_name,
		.user = getenv("DTR_TEST_SUPER"),
		.connections = 1,
		.wait_ms = 10000,
	};
	struct db_admin *admin = NULL;
	const char *id = pool_printf(job->pool, "'%s'", "");
	int rc = db_admin_open(&admin, &options, &job->err);

	id = sql_id(&m->id);
	if (rc == 0)
		rc = db_admin_run(admin,
		    pool_printf(job->pool,
			"START TRANSACTION;\n"
			"DELETE FROM manifest_blob WHERE manifest_id = %s;\n"
			"DELETE FROM manifest_payload WHERE "
			"manifest_id = %s;\n"
			"DELETE FROM manifest WHERE id = %s;\n"
			"COMMIT;\n",
			id, id, id),
		    &job->err);
	db_admin_close(&admin);
	return rc;
}

static void
test_collection_of_what_is_being_tagged(void **state UNUSED)
{
	struct manifest_push p = push_manifest(&repo, NULL, &blob, 1);
	struct manifest m = get_manifest(&repo, &p.digest);
	struct job first, second;

	set_tag(&p, "v1");
	overlap(&first, &second, "COMMIT", push_job, &p, collect_job, &m);
	job_ok(&first);
	/* the key of the new tag refuses */
	job_fails(&second, E_CONFLICT);
	ok(find_tag(&repo, "v1", &m));
}

/* --- indexes and their children */

static void
test_index_of_a_child_that_is_being_deleted(void **state UNUSED)
{
	struct manifest_push child = push_manifest(&repo, NULL, &blob, 1);
	struct manifest m = get_manifest(&repo, &child.digest);
	struct manifest_push index = new_index(&repo, "all", &child.digest, 1);
	struct job first, second;

	overlap(&first, &second, "COMMIT", delete_job, &m, push_job, &index);
	job_ok(&first);
	job_fails(&second, E_INVALID);
	assert_string_equal(second.err.reason, "MANIFEST_BLOB_UNKNOWN");
	fails(find_tag(&repo, "all", &m), E_NOTFOUND);
}

static void
test_deletion_of_a_child_whose_index_is_being_pushed(void **state UNUSED)
{
	struct manifest_push child = push_manifest(&repo, NULL, &blob, 1);
	struct manifest m = get_manifest(&repo, &child.digest);
	struct manifest_push index = new_index(&repo, "all", &child.digest, 1);
	struct job first, second;

	overlap(&first, &second, "COMMIT", push_job, &index, delete_job, &m);
	job_ok(&first);
	job_fails(&second, E_CONFLICT);
	assert_string_equal(second.err.reason, "UNSUPPORTED");
	ok(find_digest(&repo, &child.digest, &m));
}

static void
test_index_that_comes_back_while_its_child_goes(void **state UNUSED)
{
	struct manifest_push child = push_manifest(&repo, NULL, &blob, 1);
	struct manifest m = get_manifest(&repo, &child.digest);
	struct manifest_push index = push_index(&repo, "all", &child.digest, 1);
	struct job first, second;

	delete (&index.digest);
	overlap(&first, &second, "COMMIT", push_job, &index, delete_job, &m);
	job_ok(&first);
	job_fails(&second, E_CONFLICT);
	ok(find_digest(&repo, &child.digest, &m));
	/* and the other way round */
	delete (&index.digest);
	overlap(&first, &second, "COMMIT", delete_job, &m, push_job, &index);
	job_ok(&first);
	job_fails(&second, E_INVALID);
}

/* --- blobs */

static void
test_manifest_of_a_blob_that_is_being_deleted(void **state UNUSED)
{
	struct repo_blob b = find_blob(&repo, &blob);
	struct manifest_push p = new_manifest(&repo, "v1", &blob, 1);
	struct job first, second;

	overlap(&first, &second, "COMMIT", delete_blob_job, &b, push_job, &p);
	job_ok(&first);
	job_ok(&second);
	/* the push was answered "created", so it can be pulled */
	find_blob(&repo, &blob);
}

static void
test_deletion_of_a_blob_whose_manifest_is_being_pushed(void **state UNUSED)
{
	struct repo_blob b = find_blob(&repo, &blob);
	struct manifest_push p = new_manifest(&repo, "v1", &blob, 1);
	struct job first, second;

	overlap(&first, &second, "COMMIT", push_job, &p, delete_blob_job, &b);
	job_ok(&first);
	job_fails(&second, E_CONFLICT);
	assert_string_equal(second.err.reason, "UNSUPPORTED");
}

static void
test_blob_that_comes_during_the_push(void **state UNUSED)
{
	const char *text = unique("late");
	struct oci_digest late = sha256_of(text);
	struct manifest_push p = new_manifest(&repo, "v1", &late, 1);
	struct manifest m;
	struct job job;

	/* it was not there to be linked, and is there to be looked for */
	proxy_rule(proxy, PROXY_HOLD, "SELECT b.sha256");
	job_start(&job, push_job, slow, &p);
	proxy_wait_held(proxy);
	push_blob(&repo, text);
	proxy_release(proxy);
	/* refused, or linked; never taken without the link */
	if (job_wait(&job) == 0) {
		ok(find_tag(&repo, "v1", &m));
		assert_sql(1,
		    "SELECT COUNT(*) FROM manifest_blob WHERE "
		    "manifest_id = %s",
		    sql_id(&m.id));
	} else {
		assert_int_equal(job.rc, E_INVALID);
		assert_int_equal(p.missing_count, 1);
	}
}

static void
test_blob_that_is_collected_during_the_push(void **state UNUSED)
{
	struct repo_blob b = find_blob(&repo, &blob);
	struct manifest_push p = new_manifest(&repo, "v1", &blob, 1);
	struct job job;

	proxy_rule(proxy, PROXY_HOLD, "INSERT INTO manifest_blob");
	job_start(&job, push_job, slow, &p);
	proxy_wait_held(proxy);
	sql("DELETE FROM repo_blob WHERE repository_id = %s AND blob_id = %s",
	    sql_id(&repo.row.id), sql_id(&b.blob_id));
	sql("INSERT INTO gc_review (kind, id1, id2, review_after) "
	    "VALUES (3, %s, %s, UTC_TIMESTAMP(6))",
	    sql_id(&b.blob_id), "REPEAT(X'00', 16)");
	proxy_release(proxy);
	job_fails(&job, E_INVALID);
	assert_int_equal(p.missing_count, 1);
}

/* --- lost COMMITs */

static void
test_push_with_a_lost_commit(void **state UNUSED)
{
	static const enum proxy_act acts[] = { PROXY_CUT_BEFORE,
		PROXY_CUT_AFTER };

	for (size_t i = 0; i < COUNT_OF(acts); i++) {
		struct manifest_push p = new_manifest(&repo, "v1", &blob, 1);
		struct manifest m;

		proxy_rule(proxy, acts[i], "COMMIT");
		ok(manifest_push(slow, env.pool, &p, &env.err));
		assert_true(proxy_is_used(proxy));
		ok(find_tag(&repo, "v1", &m));
		assert_true(oci_digest_equal(&m.digest, &p.digest));
	}
	/* moved once */
	assert_sql(1,
	    "SELECT COUNT(*) FROM tag_history WHERE repository_id = %s",
	    sql_id(&repo.row.id));
}

static void
test_deletions_with_a_lost_commit(void **state UNUSED)
{
	struct manifest_push p = push_manifest(&repo, "v1", &blob, 1);
	struct tag_change change = { .repository_id = repo.row.id,
		.name = "v1",
		.history_s = HISTORY_S,
		.history_id = rand_id_new() };
	struct manifest m = get_manifest(&repo, &p.digest);
	struct repo_blob b = find_blob(&repo, &blob);

	proxy_rule(proxy, PROXY_CUT_AFTER, "COMMIT");
	ok(tag_delete(slow, env.pool, &change, &env.err));
	proxy_rule(proxy, PROXY_CUT_AFTER, "COMMIT");
	ok(delete_manifest(slow, &m, &env.err));
	proxy_rule(proxy, PROXY_CUT_AFTER, "COMMIT");
	ok(repo_blob_delete(slow, env.pool, &b, false, NULL, &env.err));
	assert_sql(1,
	    "SELECT COUNT(*) FROM tag_history WHERE repository_id = %s",
	    sql_id(&repo.row.id));
}

static void
test_deadlock_of_two_pushes(void **state UNUSED)
{
	struct manifest_push p = new_manifest(&repo, "v1", &blob, 1);
	struct manifest m;

	proxy_answer(proxy, 1213, "INSERT INTO manifest_blob", 1);
	ok(manifest_push(slow, env.pool, &p, &env.err));
	ok(find_tag(&repo, "v1", &m));
	p = new_manifest(&repo, "v1", &blob, 1);
	proxy_answer(proxy, 1213, "COMMIT", 1);
	ok(push(&p));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(test_two_push_the_same),
	TEST(test_two_push_the_same_tag),
	TEST(test_two_move_a_tag),
	TEST(test_tag_moves_while_it_is_deleted),
	TEST(test_tag_for_what_is_being_deleted),
	TEST(test_deletion_of_what_is_being_tagged),
	TEST(test_push_by_digest_of_what_is_being_deleted),
	TEST(test_push_of_what_is_collected),
	TEST(test_collection_of_what_is_being_tagged),
	TEST(test_index_of_a_child_that_is_being_deleted),
	TEST(test_deletion_of_a_child_whose_index_is_being_pushed),
	TEST(test_index_that_comes_back_while_its_child_goes),
	TEST(test_manifest_of_a_blob_that_is_being_deleted),
	TEST(test_deletion_of_a_blob_whose_manifest_is_being_pushed),
	TEST(test_blob_that_comes_during_the_push),
	TEST(test_blob_that_is_collected_during_the_push),
	TEST(test_push_with_a_lost_commit),
	TEST(test_deletions_with_a_lost_commit),
	TEST(test_deadlock_of_two_pushes),
};

UNIT_MAIN(tests)
