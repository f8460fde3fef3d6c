/*
 * The outcome of COMMIT is not known: its answer was lost, or the server went.
 * The change is made once or not at all, and nobody is told a guess.
 */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include <pthread.h>

#include "common/base/time.h"
#include "tests/db/own.h"

static void
test_commit_that_did_not_arrive(void **state UNUSED)
{
	struct own_run run = { .id = 10 };

	proxy_rule(own.proxy, PROXY_CUT_BEFORE, "COMMIT");
	ok(own_insert(&run));
	assert_int_equal(run.runs, 2);
	assert_int_equal(run.reruns, 1);
	assert_int_equal(own_row(10), 1);
	assert_int_equal(own_row(1), 1);
}

static void
test_commit_whose_answer_was_lost(void **state UNUSED)
{
	struct own_run run = { .id = 10 };

	proxy_rule(own.proxy, PROXY_CUT_AFTER, "COMMIT");
	ok(own_insert(&run));
	assert_int_equal(run.runs, 2);
	assert_int_equal(run.reruns, 1);
	/* the first run counts, and only that */
	assert_int_equal(own_row(10), 1);
	assert_int_equal(own_row(1), 1);
}

static void
test_commit_answered_by_a_dying_cluster(void **state UNUSED)
{
	static const unsigned numbers[] = { 1180, 1047, 1205, 1927, 1053,
		1317 };

	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		struct own_run run = { .id = 10 + (int)i };

		/* an error at COMMIT is not an answer to "was it done" */
		proxy_answer(own.proxy, numbers[i], "COMMIT", 1);
		ok(own_insert(&run));
		assert_int_equal(run.runs, 2);
		assert_int_equal(run.reruns, 1);
		assert_int_equal(own_row(1), (int)i + 1);
	}
}

static void
test_never_known(void **state UNUSED)
{
	struct own_run run = { .id = 10 };

	proxy_answer(own.proxy, 1180, "COMMIT", UINT_MAX);
	fails(own_insert(&run), E_UNCERTAIN);
	assert_true(run.runs > 1);
	assert_int_equal(run.reruns, run.runs - 1);
}

static void
test_refused_after_an_unknown_commit(void **state UNUSED)
{
	struct own_run run = { .id = 10 };

	/* a fault of the second run says nothing about the first */
	proxy_rule(own.proxy, PROXY_CUT_AFTER, "COMMIT");
	proxy_clear(own.proxy);
	sql("CREATE TRIGGER own_stop BEFORE INSERT ON own_row FOR EACH ROW "
	    "IF (SELECT COUNT(*) FROM own_row WHERE id = 10) > 0 THEN "
	    "SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 3999; END IF");
	fails(own_insert(&run), E_UNCERTAIN);
	assert_int_equal(run.runs, 2);
	assert_int_equal(own_row(10), 1);
}

struct thread_run {
	unsigned runs;
	int rc;
	struct err err;
};

static void *
insert_thread(void *context)
{
	struct thread_run *c = context;
	struct own_run run = { .id = 10 };

	c->rc = db_txn(own.db, own_insert_tx, &run, &c->err);
	c->runs = run.runs;
	return NULL;
}

static void
test_server_killed_at_commit(void **state UNUSED)
{
	struct thread_run c = { .runs = 0 };
	pthread_t thread;

	proxy_rule(own.proxy, PROXY_HOLD, "COMMIT");
	assert_int_equal(pthread_create(&thread, NULL, insert_thread, &c), 0);
	proxy_wait_held(own.proxy);
	server_run("kill");
	proxy_release(own.proxy);
	server_run("start");
	pthread_join(thread, NULL);
	if (c.rc == 0) {
		/* it came back in time to tell, and the change is made */
		assert_int_equal(own_row(10), 1);
		assert_int_equal(own_row(1), 1);
	} else {
		env_check(c.rc, E_UNCERTAIN, &c.err, __FILE__, __LINE__);
		assert_int_equal(own_row(10), -1);
		assert_int_equal(own_row(1), 0);
	}
}

static void
test_server_gone_at_commit(void **state UNUSED)
{
	struct thread_run c = { .runs = 0 };
	struct own_run again = { .id = 10 };
	pthread_t thread;

	proxy_rule(own.proxy, PROXY_HOLD, "COMMIT");
	assert_int_equal(pthread_create(&thread, NULL, insert_thread, &c), 0);
	proxy_wait_held(own.proxy);
	proxy_mode(own.proxy, PROXY_REFUSES);
	/* nobody can tell, and nobody pretends to */
	pthread_join(thread, NULL);
	env_check(c.rc, E_UNCERTAIN, &c.err, __FILE__, __LINE__);
	assert_int_equal(own_row(10), -1);
	proxy_mode(own.proxy, PROXY_SERVES);
	while (own_insert(&again) == E_BUSY)
		time_sleep_us(10000);
	assert_int_equal(own_row(1), 1);
}

static const struct CMUnitTest tests[] = {
	OWN_TEST(test_commit_that_did_not_arrive),
	OWN_TEST(test_commit_whose_answer_was_lost),
	OWN_TEST(test_commit_answered_by_a_dying_cluster),
	OWN_TEST(test_never_known),
	OWN_TEST(test_refused_after_an_unknown_commit),
	OWN_TEST(test_server_killed_at_commit),
	OWN_TEST(test_server_gone_at_commit),
};

UNIT_MAIN(tests)
