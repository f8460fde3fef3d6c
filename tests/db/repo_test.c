/* Repositories, and blobs as they see them. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/model/catalog.h"
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

/* --- repositories */

static void
test_find(void **state UNUSED)
{
	struct repository found;

	ok(repository_find(
	    env.registry, env.pool, repo.path, &found, &env.err));
	assert_true(rand_id_equal(&found.id, &repo.row.id));
	assert_false(found.is_public);
	fails(repository_find(env.registry, env.pool,
		  pool_printf(env.pool, "%s ", repo.path), &found, &env.err),
	    E_NOTFOUND);
	assert_reason("NAME_UNKNOWN");
	fails(repository_find(env.registry, env.pool,
		  pool_printf(env.pool, "%sR", repo.path), &found, &env.err),
	    E_NOTFOUND);
}

static void
test_create_without_a_namespace(void **state UNUSED)
{
	struct repository found;

	fails(repository_find_or_create(
		  env.registry, env.pool, "no/where", true, &found, &env.err),
	    E_NOTFOUND);
	assert_reason("NAME_UNKNOWN");
	assert_non_null(strstr(env.err.text, "\"no\""));
	assert_sql(
	    0, "SELECT COUNT(*) FROM repository WHERE path = 'no/where'");
}

struct making {
	const char *path;
	struct repository row;
};

static int
create_job(struct job *job)
{
	struct making *m = job->arg;

	return repository_find_or_create(
	    job->db, job->pool, m->path, true, &m->row, &job->err);
}

static void
test_two_create_the_same(void **state UNUSED)
{
	struct making one = { .path = pool_printf(
				  env.pool, "%s/deep/x", repo.path) };
	struct making two = { .path = one.path };
	struct job first, second;

	proxy_rule(proxy, PROXY_HOLD, "COMMIT");
	job_start(&first, create_job, slow, &one);
	proxy_wait_held(proxy);
	job_start(&second, create_job, env.registry, &two);
	wait_lock();
	proxy_release(proxy);
	job_ok(&first);
	job_ok(&second);
	assert_true(rand_id_equal(&one.row.id, &two.row.id));
	assert_true(
	    rand_id_equal(&one.row.namespace_id, &two.row.namespace_id));
	assert_sql(
	    1, "SELECT COUNT(*) FROM repository WHERE path = '%s'", one.path);
}

static void
test_create_with_a_lost_commit(void **state UNUSED)
{
	static const enum proxy_act acts[] = { PROXY_CUT_BEFORE,
		PROXY_CUT_AFTER };

	for (size_t i = 0; i < COUNT_OF(acts); i++) {
		const char *path =
		    pool_printf(env.pool, "%s/%zu", repo.path, i);
		struct repository made, found;

		proxy_rule(proxy, acts[i], "COMMIT");
		ok(repository_find_or_create(
		    slow, env.pool, path, true, &made, &env.err));
		ok(repository_find(
		    env.registry, env.pool, path, &found, &env.err));
		assert_true(rand_id_equal(&made.id, &found.id));
	}
}

static void
test_catalog_pages(void **state UNUSED)
{
	static const char *const names[] = { "a", "a-b", "a.b", "a/b", "a0",
		"b" };
	const char **page;
	const char *after = repo.path;
	size_t count;

	for (size_t i = COUNT_OF(names); i-- > 0;) {
		struct repo r = { .path = pool_printf(
				      env.pool, "%s/%s", repo.path, names[i]) };

		ok(repository_find_or_create(
		    env.registry, env.pool, r.path, true, &r.row, &env.err));
		sql("UPDATE repository SET visibility = 1 WHERE id = %s",
		    sql_id(&r.row.id));
		push_manifest(&r, "v1", NULL, 0);
	}
	for (size_t i = 0; i < COUNT_OF(names); i += count) {
		ok(catalog_list(env.registry, env.pool, NULL, after, 2, &page,
		    &count, &env.err));
		assert_int_equal(count, 2);
		for (size_t k = 0; k < count; k++)
			assert_string_equal(page[k],
			    pool_printf(
				env.pool, "%s/%s", repo.path, names[i + k]));
		after = page[1];
	}
}

/* --- blobs of a repository */

static int
find(const struct repo *r, const struct oci_digest *digest)
{
	struct repo_blob blob;

	return repo_blob_find(
	    env.registry, env.pool, r->path, digest, &blob, &env.err);
}

static int
promise(const struct repo_blob *blob)
{
	return repo_blob_promise(slow, env.pool, blob, PROMISE_S, &env.err);
}

static int delete (const struct repo_blob *blob)
{
	return repo_blob_delete(
	    env.registry, env.pool, blob, false, NULL, &env.err);
}

static void
test_blob_of_one_repository(void **state UNUSED)
{
	struct repo other = make_repo();
	struct oci_digest digest = push_blob(&repo, unique("b"));
	struct oci_digest none = sha512_of(unique("b"));

	ok(find(&repo, &digest));
	fails(find(&other, &digest), E_NOTFOUND);
	assert_reason("BLOB_UNKNOWN");
	fails(find(&repo, &none), E_NOTFOUND);
	assert_reason("BLOB_UNKNOWN");
}

static void
test_promise_of_what_is_fresh(void **state UNUSED)
{
	struct oci_digest digest = push_blob(&repo, unique("b"));
	struct repo_blob blob = find_blob(&repo, &digest);

	ok(promise(&blob));
	assert_int_equal(proxy_links(proxy), 0);
}

static void
test_promise_of_what_is_old(void **state UNUSED)
{
	struct oci_digest digest = push_blob(&repo, unique("b"));
	struct repo_blob blob;

	grow_old("repo_blob", "touched", PROMISE_S * 3 / 4);
	grow_old("gc_review", "review_after", PROMISE_S * 3 / 4);
	blob = find_blob(&repo, &digest);
	assert_true(blob.age_s >= PROMISE_S * 3 / 4);
	ok(promise(&blob));
	blob = find_blob(&repo, &digest);
	assert_true(blob.age_s < PROMISE_S / 2);
	assert_sql(1,
	    "SELECT COUNT(*) FROM gc_review WHERE kind = 2 AND id1 = %s "
	    "AND id2 = %s AND review_after > UTC_TIMESTAMP(6) + "
	    "INTERVAL %d SECOND",
	    sql_id(&repo.row.id), sql_id(&blob.blob_id), (int)PROMISE_S - 3600);
}

static void
test_promise_of_what_a_manifest_holds(void **state UNUSED)
{
	struct oci_digest digest = push_blob(&repo, unique("b"));
	struct repo_blob blob;

	push_manifest(&repo, "v1", &digest, 1);
	grow_old("repo_blob", "touched", PROMISE_S);
	blob = find_blob(&repo, &digest);
	ok(promise(&blob));
	assert_int_equal(proxy_count(proxy, "START TRANSACTION"), 0);
}

static void
test_promise_does_not_bring_back(void **state UNUSED)
{
	struct oci_digest digest = push_blob(&repo, unique("b"));
	struct repo_blob blob;

	grow_old("repo_blob", "touched", PROMISE_S);
	blob = find_blob(&repo, &digest);
	ok(delete (&blob));
	/* the one who looked before it was deleted */
	fails(promise(&blob), E_NOTFOUND);
	assert_reason("BLOB_UNKNOWN");
	fails(find(&repo, &digest), E_NOTFOUND);
}

static void
test_mount(void **state UNUSED)
{
	struct repo other = make_repo();
	struct oci_digest digest = push_blob(&other, unique("b"));
	struct repo_blob blob = find_blob(&other, &digest);

	ok(repo_blob_mount(
	    env.registry, &blob, &repo.row.id, PROMISE_S, NULL, &env.err));
	assert_string_equal(find_blob(&repo, &digest).key, blob.key);
	/* again, and after a deletion */
	ok(repo_blob_mount(
	    env.registry, &blob, &repo.row.id, PROMISE_S, NULL, &env.err));
	blob = find_blob(&repo, &digest);
	ok(delete (&blob));
	fails(find(&repo, &digest), E_NOTFOUND);
	ok(repo_blob_mount(
	    env.registry, &blob, &repo.row.id, PROMISE_S, NULL, &env.err));
	ok(find(&repo, &digest));
	/* each has its own */
	blob = find_blob(&other, &digest);
	ok(delete (&blob));
	ok(find(&repo, &digest));
	proxy_rule(proxy, PROXY_CUT_AFTER, "COMMIT");
	ok(repo_blob_mount(
	    slow, &blob, &other.row.id, PROMISE_S, NULL, &env.err));
	ok(find(&other, &digest));
}

static void
test_mount_of_what_was_collected(void **state UNUSED)
{
	struct repo_blob gone = { .blob_id = rand_id_new() };

	fails(repo_blob_mount(
		  env.registry, &gone, &repo.row.id, PROMISE_S, NULL, &env.err),
	    E_NOTFOUND);
	assert_reason("BLOB_UNKNOWN");
}

static void
test_delete(void **state UNUSED)
{
	struct oci_digest digest = push_blob(&repo, unique("b"));
	struct repo_blob blob = find_blob(&repo, &digest);

	ok(delete (&blob));
	fails(find(&repo, &digest), E_NOTFOUND);
	ok(delete (&blob));
	/* the content is not gone yet, and comes back with a push */
	assert_sql(1, "SELECT COUNT(*) FROM blob_content WHERE id = %s",
	    sql_id(&blob.blob_id));
}

static void
test_delete_of_what_a_manifest_uses(void **state UNUSED)
{
	struct oci_digest digest = push_blob(&repo, unique("b"));
	struct repo_blob blob = find_blob(&repo, &digest);
	struct manifest_push p = push_manifest(&repo, "v1", &digest, 1);
	struct manifest m = get_manifest(&repo, &p.digest);
	char text[OCI_DIGEST_TEXT_SIZE];

	fails(delete (&blob), E_CONFLICT);
	assert_reason("UNSUPPORTED");
	oci_digest_put(text, &p.digest);
	assert_non_null(strstr(env.err.text, text));
	ok(find(&repo, &digest));
	ok(delete_manifest(env.registry, &m, &env.err));
	ok(delete (&blob));
	fails(find(&repo, &digest), E_NOTFOUND);
}

static void
test_delete_by_force(void **state UNUSED)
{
	const char *text = unique("b");
	const struct oci_digest digests[] = { push_blob(&repo, text),
		push_blob_sha512(&repo, text) };
	struct repo_blob blob = find_blob(&repo, &digests[0]);

	push_manifest(&repo, "v1", digests, 1);
	ok(repo_blob_delete(
	    env.registry, env.pool, &blob, true, NULL, &env.err));
	for (size_t i = 0; i < COUNT_OF(digests); i++)
		fails(find(&repo, &digests[i]), E_NOTFOUND);
}

static void
test_delete_only_here(void **state UNUSED)
{
	struct repo other = make_repo();
	const char *text = unique("b");
	struct oci_digest digest = push_blob(&repo, text);
	struct repo_blob blob = find_blob(&repo, &digest);

	push_blob(&other, text);
	push_manifest(&other, "v1", &digest, 1);
	ok(delete (&blob));
	ok(find(&other, &digest));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, slow_teardown)

static const struct CMUnitTest tests[] = {
	TEST(test_find),
	TEST(test_create_without_a_namespace),
	TEST(test_two_create_the_same),
	TEST(test_create_with_a_lost_commit),
	TEST(test_catalog_pages),
	TEST(test_blob_of_one_repository),
	TEST(test_promise_of_what_is_fresh),
	TEST(test_promise_of_what_is_old),
	TEST(test_promise_of_what_a_manifest_holds),
	TEST(test_promise_does_not_bring_back),
	TEST(test_mount),
	TEST(test_mount_of_what_was_collected),
	TEST(test_delete),
	TEST(test_delete_of_what_a_manifest_uses),
	TEST(test_delete_by_force),
	TEST(test_delete_only_here),
};

UNIT_MAIN(tests)
