/* Lookups of many threads at once: few queries, and everyone's own answer. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include <stdatomic.h>
#include <sys/syscall.h>

#include "common/base/time.h"
#include "tests/db/own.h"
#include "tests/db/rows.h"

/* one asks, and meanwhile come more than one query is for */
#define JOBS (1 + DB_LOOKUP_WIDTH + 3)
/* a text that is fetched apart, too */
#define LONG_ID 5
#define LONG_N  1000
/* one that is not there */
#define MISSING_ID 7

#define ONE  "SELECT n, REPEAT"
#define MANY "SELECT k.number"

static const struct db_lookup find = { OWN_FIND, OWN_FIND_MANY };

struct seeker {
	struct job job;
	int64_t id;
	struct db_rows row;
	atomic_int thread; /* as the kernel calls it; 0: not yet known */
};
static struct seeker seekers[JOBS];

/* through the proxy, with patience for as long as a test takes */
static struct db *patient;

static int
seek(struct job *job)
{
	struct seeker *s = job->arg;

	atomic_store(&s->thread, (int)syscall(SYS_gettid));
	return db_lookup(
	    job->db, job->pool, &find, &s->row, &job->err, db_int(s->id));
}

static bool
is_asleep(const struct seeker *s)
{
	char path[64], stat[256] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat",
	    atomic_load(&s->thread));
	f = fopen(path, "r");
	if (f == NULL)
		return false;
	(void)!fread(stat, 1, sizeof(stat) - 1, f);
	fclose(f);
	return strstr(stat, ") S ") != NULL;
}

static void
start(struct seeker *s, struct db *db, int64_t id)
{
	s->id = id;
	atomic_store(&s->thread, 0);
	job_start(&s->job, seek, db, s);
}

static void
wait_asleep(size_t count)
{
	int64_t until = time_monotonic_us() + 20 * TIME_SECOND;

	/* twice: it may have slept on its way */
	for (int seen = 0; seen < 2; seen++)
		for (size_t i = 0; i < count; i++)
			while (!is_asleep(&seekers[i])) {
				assert_true(time_monotonic_us() < until);
				time_sleep_us(1000);
				seen = 0;
			}
}

/* All of them have asked, and none can be answered before UNLOCK TABLES. */
static void
start_all(void)
{
	for (int i = 3; i < 100; i++)
		if (i != MISSING_ID)
			sql("INSERT INTO own_row (id, n) VALUES (%d, %d)", i,
			    i == LONG_ID ? LONG_N : i);
	sql("LOCK TABLES own_row WRITE");
	start(&seekers[0], patient, 50);
	while (proxy_count(own.proxy, ONE) < 1)
		time_sleep_us(1000);
	for (size_t i = 1; i < JOBS; i++)
		start(&seekers[i], patient, (int64_t)i + 2);
	wait_asleep(JOBS);
}

static void
assert_found(struct seeker *s)
{
	int64_t n = s->id == LONG_ID ? LONG_N : s->id;
	const struct db_cell *text;

	env_check(s->job.rc, 0, &s->job.err, __FILE__, __LINE__);
	assert_int_equal(s->row.columns, 2);
	if (s->id == MISSING_ID) {
		assert_int_equal(s->row.count, 0);
		return;
	}
	assert_int_equal(s->row.count, 1);
	assert_int_equal(db_cell(&s->row, 0, 0)->i, n);
	text = db_cell(&s->row, 0, 1);
	assert_int_equal(text->n, n);
	assert_int_equal(strspn(text->p, "v"), n);
}

/* job_wait() frees what was found */
static void
wait_found(void)
{
	for (size_t i = 0; i < JOBS; i++) {
		struct seeker *s = &seekers[i];

		pthread_join(s->job.thread, NULL);
		assert_found(s);
		pool_free(&s->job.pool);
	}
}

static void
test_one_alone_is_one_query(void **state UNUSED)
{
	struct db_rows row;

	sql("INSERT INTO own_row (id, n) VALUES (3, 4)");
	ok(db_lookup(own.db, env.pool, &find, &row, &env.err, db_int(3)));
	assert_int_equal(db_cell(&row, 0, 0)->i, 4);
	ok(db_lookup(own.db, env.pool, &find, &row, &env.err, db_int(4)));
	assert_int_equal(row.count, 0);
	assert_int_equal(proxy_count(own.proxy, ONE), 2);
	assert_int_equal(proxy_count(own.proxy, MANY), 0);
}

static void
test_those_that_wait_go_together(void **state UNUSED)
{
	start_all();
	sql("UNLOCK TABLES");
	wait_found();
	assert_int_equal(proxy_count(own.proxy, ONE), 1);
	assert_int_equal(proxy_count(own.proxy, MANY), 2);
}

static void
test_those_that_wait_see_what_was_written_before_they_asked(void **state UNUSED)
{
	sql("INSERT INTO own_row (id, n) VALUES (3, 1)");
	proxy_rule(own.proxy, PROXY_HOLD, ONE);
	start(&seekers[0], patient, 3);
	proxy_wait_held(own.proxy);
	sql("UPDATE own_row SET n = 2 WHERE id = 3");
	for (size_t i = 1; i < JOBS; i++)
		start(&seekers[i], patient, 3);
	wait_asleep(JOBS);
	proxy_release(own.proxy);
	for (size_t i = 0; i < JOBS; i++) {
		pthread_join(seekers[i].job.thread, NULL);
		assert_int_equal(db_cell(&seekers[i].row, 0, 0)->i, 2);
		pool_free(&seekers[i].job.pool);
	}
	assert_int_equal(proxy_count(own.proxy, MANY), 2);
}

static void
test_nobody_waits_long_for_another_ones_query(void **state UNUSED)
{
	sql("INSERT INTO own_row (id, n) VALUES (3, 3)");
	proxy_rule(own.proxy, PROXY_HOLD, ONE);
	start(&seekers[0], own.db, 3);
	proxy_wait_held(own.proxy);
	for (size_t i = 1; i < JOBS; i++)
		start(&seekers[i], own.db, 3);
	for (size_t i = 1; i < JOBS; i++) {
		pthread_join(seekers[i].job.thread, NULL);
		assert_found(&seekers[i]);
		pool_free(&seekers[i].job.pool);
	}
	assert_int_equal(proxy_count(own.proxy, MANY), 0);
	proxy_release(own.proxy);
	job_ok(&seekers[0].job);
}

static void
test_a_query_that_is_refused_is_asked_one_by_one(void **state UNUSED)
{
	start_all();
	/* a table is full */
	proxy_answer(own.proxy, 1114, MANY, 2);
	sql("UNLOCK TABLES");
	wait_found();
	assert_true(proxy_is_used(own.proxy));
	assert_int_equal(proxy_count(own.proxy, ONE), JOBS);
}

static void
test_without_a_server_everyone_is_told(void **state UNUSED)
{
	start_all();
	proxy_mode(own.proxy, PROXY_REFUSES);
	for (size_t i = 0; i < JOBS; i++) {
		job_fails(&seekers[i].job, E_BUSY);
		assert_true(seekers[i].job.err.text[0] != '\0');
	}
	sql("UNLOCK TABLES");
	proxy_mode(own.proxy, PROXY_SERVES);
}

/* how many of as many as go together find it */
static size_t
found_together(unsigned many, struct db_value name, const char *path)
{
	struct db_value args[DB_LOOKUP_WIDTH * DB_LOOKUP_ARGS];
	struct db_rows rows;

	for (size_t i = 0; i < COUNT_OF(args); i += DB_LOOKUP_ARGS) {
		args[i] = name;
		args[i + 1] = db_text(path);
	}
	ok(db_select_(env.registry, env.pool, many, &rows, &env.err, args,
	    COUNT_OF(args)));
	return rows.count;
}

static void
test_together_they_find_what_one_alone_finds(void **state UNUSED)
{
	struct repo repo = make_repo(), other = make_repo();
	struct oci_digest blob = push_blob(&repo, unique("blob"));
	struct manifest_push push = push_manifest(&repo, "v1", &blob, 1);
	struct db_value content = db_bytes(blob.bytes, DIGEST_SHA256_SIZE);
	struct db_value document =
	    db_bytes(push.digest.bytes, DIGEST_SHA256_SIZE);
	const struct {
		unsigned many;
		struct db_value name;
	} cases[] = {
		{ Q_REPO_BLOBS_SHA256, content },
		{ Q_MANIFEST_BY_DIGESTS, document },
		{ Q_MANIFEST_BY_TAGS, db_text("v1") },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(
		    found_together(cases[i].many, cases[i].name, repo.path),
		    DB_LOOKUP_WIDTH);
		assert_int_equal(
		    found_together(cases[i].many, cases[i].name, other.path),
		    0);
	}
	ok(try_delete(&push));
	for (size_t i = 1; i < COUNT_OF(cases); i++)
		assert_int_equal(
		    found_together(cases[i].many, cases[i].name, repo.path), 0);
	sql("UPDATE repo_blob SET hidden = 2 WHERE repository_id = %s",
	    sql_id(&repo.row.id));
	assert_int_equal(
	    found_together(Q_REPO_BLOBS_SHA256, content, repo.path), 0);
	sql("UPDATE repo_blob SET hidden = 0 WHERE repository_id = %s",
	    sql_id(&repo.row.id));
	sql("UPDATE blob_content SET damaged = 1 WHERE sha256 = %s",
	    sql_bytes(blob.bytes, DIGEST_SHA256_SIZE));
	assert_int_equal(
	    found_together(Q_REPO_BLOBS_SHA256, content, repo.path), 0);
}

static int
setup(void **state)
{
	struct db_options options;

	own_setup(state);
	options = own_options(own.address);
	options.lookup_wait_ms = 60000;
	patient = db_new(&options);
	return 0;
}

static int
teardown(void **state)
{
	db_free(&patient);
	return own_teardown(state);
}

#define LOOKUP_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		LOOKUP_TEST(test_one_alone_is_one_query),
		LOOKUP_TEST(test_those_that_wait_go_together),
		LOOKUP_TEST(
		    test_those_that_wait_see_what_was_written_before_they_asked),
		LOOKUP_TEST(test_nobody_waits_long_for_another_ones_query),
		LOOKUP_TEST(test_a_query_that_is_refused_is_asked_one_by_one),
		LOOKUP_TEST(test_without_a_server_everyone_is_told),
		ENV_TEST(test_together_they_find_what_one_alone_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
