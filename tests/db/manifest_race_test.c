/*
 * Pushes, deletions and garbage collection that meet: one is held between
 * two of its statements while another comes. Whoever was answered "done" is
 * right afterwards (the invariants are checked after each test).
 *
 * With DTR_TEST_SECOND, the address of another node of a cluster, the other
 * one comes there, is done before the first one's COMMIT, and the first is
 * run again behind it. On one node the other one waits for the first.
 */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/model/tag.h"
#include "tests/db/rows.h"
#include "tests/db/slow.h"

static struct repo repo;
static struct oci_digest blob;
static struct db *second; /* where the other one comes */

static int
setup(void **state)
{
	slow_setup(state, "registry");
	repo = make_repo();
	blob = push_blob(&repo, unique("blob"));
	second = env_db("registry", getenv("DTR_TEST_SECOND"));
	/* its connection is there when it is needed */
	ok(db_check(second, &env.err));
	return 0;
}

static int
teardown(void **state)
{
	db_free(&second);
	return slow_teardown(state);
}

/* --- what can meet */

/* A call, its argument, and how it went. */
struct op {
	int (*run)(struct job *job);
	void *arg;
	struct job job;
	int rc;
};

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
	struct manifest_deletion deletion = { .manifest = m,
		.history_s = HISTORY_S };

	return manifest_delete(job->db, job->pool, &deletion, &job->err);
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
		.history_s = HISTORY_S };

	return tag_delete(job->db, job->pool, &change, &job->err);
}

/*
 * The first is held before its COMMIT while the other one runs. Returns the
 * one that came later in the end.
 */
static struct op *
meet(struct op *first, struct op *other)
{
	bool cluster = getenv("DTR_TEST_SECOND") != NULL;

	proxy_rule(proxy, PROXY_HOLD, "COMMIT");
	job_start(&first->job, first->run, slow, first->arg);
	proxy_wait_held(proxy);
	job_start(&other->job, other->run, second, other->arg);
	if (!cluster) {
		wait_lock();
		proxy_release(proxy);
		first->rc = job_wait(&first->job);
	}
	other->rc = job_wait(&other->job);
	if (cluster) {
		proxy_release(proxy);
		first->rc = job_wait(&first->job);
	}
	return cluster ? first : other;
}

#define op_ok(op) env_check((op)->rc, 0, &(op)->job.err, __FILE__, __LINE__)
#define op_fails(op, code) \
 env_check((op)->rc, (code), &(op)->job.err, __FILE__, __LINE__)

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

/* both orders */
#define for_orders(i) for (int i = 0; i < 2; i++)

/* --- the same manifest, the same tag */

static void
test_two_push_the_same(void **state UNUSED)
{
	struct manifest_push one = new_manifest(&repo, "v1", &blob, 1);
	struct manifest_push two = one;
	struct op a = { .run = push_job, .arg = &one };
	struct op b = { .run = push_job, .arg = &two };
	struct manifest m;

	set_tag(&two, "v2");
	meet(&a, &b);
	op_ok(&a);
	op_ok(&b);
	ok(find_tag(&repo, "v1", &m));
	ok(find_tag(&repo, "v2", &m));
	assert_true(oci_digest_equal(&m.digest, &one.digest));
}

static void
test_two_push_the_same_tag(void **state UNUSED)
{
	struct manifest_push one = new_manifest(&repo, "v1", &blob, 1);
	struct manifest_push two = new_manifest(&repo, "v1", &blob, 1);
	struct op a = { .run = push_job, .arg = &one };
	struct op b = { .run = push_job, .arg = &two };
	struct manifest_push *last = meet(&a, &b)->arg;
	struct manifest m;

	op_ok(&a);
	op_ok(&b);
	ok(find_tag(&repo, "v1", &m));
	assert_true(oci_digest_equal(&m.digest, &last->digest));
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
	struct op a = { .run = push_job, .arg = &one };
	struct op b = { .run = push_job, .arg = &two };

	push_manifest(&repo, "v1", &blob, 1);
	meet(&a, &b);
	op_ok(&a);
	op_ok(&b);
	/* each of the three stands in the history or is the tag's now */
	assert_sql(2,
	    "SELECT COUNT(DISTINCT manifest_id) FROM tag_history "
	    "WHERE repository_id = %s",
	    sql_id(&repo.row.id));
}

static void
test_tag_that_moves_while_it_is_deleted(void **state UNUSED)
{
	for_orders(order)
	{
		char *tag = pool_strdup(env.pool, unique("t"));
		struct manifest_push two = new_manifest(&repo, tag, &blob, 1);
		struct op move = { .run = push_job, .arg = &two };
		struct op gone = { .run = delete_tag_job, .arg = tag };
		struct manifest m;
		struct op *last;

		push_manifest(&repo, tag, &blob, 1);
		last = order == 0 ? meet(&move, &gone) : meet(&gone, &move);
		op_ok(&move);
		op_ok(&gone);
		if (last == &move)
			ok(find_tag(&repo, tag, &m));
		else
			fails(find_tag(&repo, tag, &m), E_NOTFOUND);
		/* what the tag pointed to can be brought back */
		assert_sql(last == &move ? 1 : 2,
		    "SELECT COUNT(*) FROM tag_history WHERE name = '%s'", tag);
	}
}

/* --- push and deletion of a manifest */

static void
check_push_and_deletion(const char *tag)
{
	for_orders(order)
	{
		struct manifest_push p = push_manifest(&repo, NULL, &blob, 1);
		struct manifest m = get_manifest(&repo, &p.digest);
		struct op again = { .run = push_job, .arg = &p };
		struct op gone = { .run = delete_job, .arg = &m };
		struct op *last;

		set_tag(&p, tag);
		last = order == 0 ? meet(&again, &gone) : meet(&gone, &again);
		op_ok(&again);
		op_ok(&gone);
		if (last == &gone) {
			fails(find_digest(&repo, &p.digest, &m), E_NOTFOUND);
			continue;
		}
		ok(find_digest(&repo, &p.digest, &m));
		/* pulled by tag, then by digest, as clients do */
		if (tag != NULL)
			ok(find_tag(&repo, tag, &m));
	}
}

static void
test_tag_for_what_is_being_deleted(void **state UNUSED)
{
	check_push_and_deletion("v1");
}

static void
test_push_by_digest_of_what_is_being_deleted(void **state UNUSED)
{
	check_push_and_deletion(NULL);
}

/* what a review does in the end (gc) */
static const char *
collection_of(const struct manifest *m)
{
	const char *id = sql_id(&m->id);

	return pool_printf(env.pool,
	    "START TRANSACTION;\n"
	    "DELETE FROM tag_history WHERE manifest_id = %s;\n"
	    "DELETE FROM manifest_blob WHERE manifest_id = %s;\n"
	    "DELETE FROM manifest_child WHERE parent_id = %s;\n"
	    "DELETE FROM manifest_payload WHERE manifest_id = %s;\n"
	    "DELETE FROM manifest WHERE id = %s;\n"
	    "COMMIT;\n",
	    id, id, id, id, id);
}

static void
test_push_of_what_is_collected(void **state UNUSED)
{
	static const char *const holds[] = { "SELECT r.id, r.namespace_id",
		"START TRANSACTION", "UPDATE manifest SET hidden = 0" };

	for (size_t i = 0; i < COUNT_OF(holds); i++) {
		struct manifest_push p = push_manifest(&repo, NULL, &blob, 1);
		struct manifest m = get_manifest(&repo, &p.digest);
		struct job job;

		proxy_rule(proxy, PROXY_HOLD, holds[i]);
		job_start(&job, push_job, slow, &p);
		proxy_wait_held(proxy);
		sql("%s", collection_of(&m));
		proxy_release(proxy);
		job_ok(&job);
		/* answered "created": it is there */
		ok(find_digest(&repo, &p.digest, &m));
	}
}

static int
collect_job(struct job *job)
{
	struct db_options options = {
		.hosts = getenv("DTR_TEST_SECOND") != NULL
		    ? getenv("DTR_TEST_SECOND")
		    : env.conf.db_hosts,
		.database = env.conf.db_name,
		.user = getenv("DTR_TEST_SUPER"),
		.connections = 1,
		.wait_ms = 10000,
	};
	struct db_admin *admin = NULL;
	int rc = db_admin_open(&admin, &options, &job->err);

	if (rc == 0)
		rc = db_admin_run(admin, job->arg, &job->err);
	db_admin_close(&admin);
	return rc;
}

static void
test_collection_of_what_is_being_tagged(void **state UNUSED)
{
	struct manifest_push p = push_manifest(&repo, NULL, &blob, 1);
	struct manifest m = get_manifest(&repo, &p.digest);
	struct op tag = { .run = push_job, .arg = &p };
	struct op gone = { .run = collect_job,
		.arg = pool_strdup(env.pool, collection_of(&m)) };

	set_tag(&p, "v1");
	/* on one node the key of the new tag refuses; on another one it may
	 * have gone, and is pushed again */
	if (meet(&tag, &gone) == &gone)
		op_fails(&gone, E_CONFLICT);
	op_ok(&tag);
	ok(find_tag(&repo, "v1", &m));
	assert_sql(1,
	    "SELECT COUNT(*) FROM manifest_blob "
	    "WHERE manifest_id = %s",
	    sql_id(&m.id));
}

/* --- indexes and their children */

static void
check_index_and_child(struct manifest_push *index,
    const struct oci_digest *child, bool index_first)
{
	struct manifest m = get_manifest(&repo, child);
	struct op make = { .run = push_job, .arg = index };
	struct op gone = { .run = delete_job, .arg = &m };
	struct op *last = index_first ? meet(&make, &gone) : meet(&gone, &make);

	if (last == &gone) {
		op_ok(&make);
		op_fails(&gone, E_CONFLICT);
		assert_string_equal(gone.job.err.reason, "UNSUPPORTED");
		ok(find_digest(&repo, child, &m));
	} else {
		op_ok(&gone);
		op_fails(&make, E_INVALID);
		assert_string_equal(
		    make.job.err.reason, "MANIFEST_BLOB_UNKNOWN");
		fails(find_digest(&repo, &index->digest, &m), E_NOTFOUND);
	}
}

static void
test_index_of_a_child_that_is_being_deleted(void **state UNUSED)
{
	for_orders(order)
	{
		struct manifest_push child =
		    push_manifest(&repo, NULL, &blob, 1);
		struct manifest_push index =
		    new_index(&repo, NULL, &child.digest, 1);

		check_index_and_child(&index, &child.digest, order == 0);
	}
}

static void
test_index_that_comes_back_while_its_child_goes(void **state UNUSED)
{
	for_orders(order)
	{
		struct manifest_push child =
		    push_manifest(&repo, NULL, &blob, 1);
		struct manifest_push index =
		    push_index(&repo, NULL, &child.digest, 1);

		delete (&index.digest);
		check_index_and_child(&index, &child.digest, order == 0);
	}
}

/* --- blobs */

static void
test_manifest_of_a_blob_that_is_being_deleted(void **state UNUSED)
{
	for_orders(order)
	{
		struct oci_digest digest = push_blob(&repo, unique("b"));
		struct repo_blob b = find_blob(&repo, &digest);
		struct manifest_push p = new_manifest(&repo, NULL, &digest, 1);
		struct op make = { .run = push_job, .arg = &p };
		struct op gone = { .run = delete_blob_job, .arg = &b };

		if (order == 0)
			meet(&make, &gone);
		else
			meet(&gone, &make);
		/* whatever was said to the other one: what was answered
		 * "created" can be pulled */
		if (make.rc == 0)
			find_blob(&repo, &digest);
		else
			op_fails(&make, E_INVALID);
		if (gone.rc < 0)
			op_fails(&gone, E_CONFLICT);
		assert_true(make.rc == 0 || gone.rc == 0);
	}
}

#define FIRST_PUSHES 8

static void
test_first_pushes_of_a_repository(void **state UNUSED)
{
	int64_t deadlocks = server_count("INNODB_DEADLOCKS");

	for (int round = 0; round < 5; round++) {
		struct repo fresh = make_repo();
		struct oci_digest own = push_blob(&fresh, unique("blob"));
		struct manifest_push pushes[FIRST_PUSHES];
		struct job jobs[FIRST_PUSHES];

		for (size_t i = 0; i < FIRST_PUSHES; i++)
			pushes[i] = new_manifest(
			    &fresh, pool_printf(env.pool, "v%zu", i), &own, 1);
		for (size_t i = 0; i < FIRST_PUSHES; i++)
			job_start(&jobs[i], push_job, env.registry, &pushes[i]);
		for (size_t i = 0; i < FIRST_PUSHES; i++)
			job_ok(&jobs[i]);
		assert_sql(1,
		    "SELECT COUNT(*) FROM repository WHERE id = %s "
		    "AND listed = 1",
		    sql_id(&fresh.row.id));
	}
	/* they wait for each other, and none of them in vain */
	assert_int_equal(server_count("INNODB_DEADLOCKS"), deadlocks);
}

static void
test_blob_that_comes_during_the_push(void **state UNUSED)
{
	const char *text = unique("late");
	struct oci_digest late = sha256_of(text);
	struct manifest_push p = new_manifest(&repo, "v1", &late, 1);
	struct manifest m;
	struct job job;

	/* the first push of a repository holds up what comes into it */
	push_manifest(&repo, "first", NULL, 0);
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

static void
test_collection_of_a_blob_that_is_being_linked(void **state UNUSED)
{
	struct repo_blob b = find_blob(&repo, &blob);
	struct manifest_push p = new_manifest(&repo, NULL, &blob, 1);
	struct op link = { .run = push_job, .arg = &p };
	struct op gone = { .run = collect_job,
		.arg = pool_printf(env.pool,
		    "START TRANSACTION;\n"
		    "DELETE FROM repo_blob WHERE repository_id = %s "
		    "AND blob_id = %s;\n"
		    "INSERT INTO gc_review (kind, id1, id2, review_after) "
		    "VALUES (3, %s, REPEAT(X'00', 16), UTC_TIMESTAMP(6));\n"
		    "COMMIT;\n",
		    sql_id(&repo.row.id), sql_id(&b.blob_id),
		    sql_id(&b.blob_id)) };

	/* never both: the rows' keys see to that, on any node */
	if (meet(&link, &gone) == &gone) {
		op_ok(&link);
		op_fails(&gone, E_CONFLICT);
		find_blob(&repo, &blob);
	} else {
		op_ok(&gone);
		op_fails(&link, E_INVALID);
	}
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

/* its COMMIT is still under way when it is run again */
static void
test_conditional_push_with_a_late_commit(void **state UNUSED)
{
	static const bool is_there[] = { false, true };

	for (size_t i = 0; i < COUNT_OF(is_there); i++) {
		const char *tag = pool_strdup(env.pool, unique("t"));
		struct manifest_push p = new_manifest(&repo, tag, &blob, 1);
		struct manifest m;
		struct job job;

		if (is_there[i]) {
			set_tag(&p, NULL);
			ok(push(&p));
			set_tag(&p, tag);
		}
		p.if_none_match = "*";
		proxy_rule(proxy, PROXY_CUT_LATE, "COMMIT");
		job_start(&job, push_job, slow, &p);
		proxy_wait_held(proxy);
		wait_lock();
		proxy_release(proxy);
		job_ok(&job);
		ok(find_tag(&repo, tag, &m));
		assert_true(oci_digest_equal(&m.digest, &p.digest));
	}
}

static void
test_deletions_with_a_lost_commit(void **state UNUSED)
{
	struct manifest_push p = push_manifest(&repo, "v1", &blob, 1);
	struct tag_change change = { .repository_id = repo.row.id,
		.name = "v1",
		.history_s = HISTORY_S };
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
	TEST(test_tag_that_moves_while_it_is_deleted),
	TEST(test_tag_for_what_is_being_deleted),
	TEST(test_push_by_digest_of_what_is_being_deleted),
	TEST(test_push_of_what_is_collected),
	TEST(test_collection_of_what_is_being_tagged),
	TEST(test_index_of_a_child_that_is_being_deleted),
	TEST(test_index_that_comes_back_while_its_child_goes),
	TEST(test_manifest_of_a_blob_that_is_being_deleted),
	TEST(test_first_pushes_of_a_repository),
	TEST(test_blob_that_comes_during_the_push),
	TEST(test_blob_that_is_collected_during_the_push),
	TEST(test_collection_of_a_blob_that_is_being_linked),
	TEST(test_push_with_a_lost_commit),
	TEST(test_conditional_push_with_a_late_commit),
	TEST(test_deletions_with_a_lost_commit),
	TEST(test_deadlock_of_two_pushes),
};

UNIT_MAIN(tests)
