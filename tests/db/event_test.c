/* Events and counters: each pull and push once. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/model/event.h"
#include "tests/db/rows.h"
#include "tests/db/slow.h"

static struct repo repo;
static struct manifest_push pushed;

static int
setup(void **state)
{
	slow_setup(state, "registry");
	repo = make_repo();
	pushed = push_manifest(&repo, "v1", NULL, 0);
	return 0;
}

static int64_t
total(enum event_kind kind)
{
	return sql_int("SELECT COALESCE(SUM(total), 0) FROM repository_counter "
		       "WHERE repository_id = %s AND kind = %d",
	    sql_id(&repo.row.id), (int)kind);
}

static int64_t
pulls_of_tag(void)
{
	return sql_int("SELECT COALESCE(SUM(total), 0) FROM tag_pull "
		       "WHERE repository_id = %s AND name = 'v1'",
	    sql_id(&repo.row.id));
}

static struct event_pull
pull(const char *tag, uint32_t times)
{
	static const struct actor nobody;

	return (struct event_pull){
		.note = { .actor = &nobody,
		    .event = { .id = rand_id_new(),
			.kind = EVENT_PULL,
			.object = EVENT_MANIFEST,
			.repository_id = repo.row.id,
			.repository = repo.path,
			.tag = tag,
			.digest = pushed.digest,
			.times = times } },
		.manifest_id = get_manifest(&repo, &pushed.digest).id,
	};
}

static void
test_pulls_with_a_lost_commit(void **state UNUSED)
{
	static const enum proxy_act acts[] = { PROXY_CUT_BEFORE,
		PROXY_CUT_AFTER };

	for (size_t i = 0; i < COUNT_OF(acts); i++) {
		struct event_pull pulls[] = { pull("v1", 3), pull(NULL, 2) };

		proxy_rule(proxy, acts[i], "COMMIT");
		ok(event_put_pulls(slow, pulls, COUNT_OF(pulls), &env.err));
		assert_true(proxy_is_used(proxy));
		assert_int_equal(total(EVENT_PULL), 5 * (i + 1));
		assert_int_equal(pulls_of_tag(), 5 * (i + 1));
	}
}

static void
test_push_with_a_lost_commit(void **state UNUSED)
{
	static const enum proxy_act acts[] = { PROXY_CUT_BEFORE,
		PROXY_CUT_AFTER };

	for (size_t i = 0; i < COUNT_OF(acts); i++) {
		struct manifest_push p = new_manifest(&repo, "v2", NULL, 0);

		proxy_rule(proxy, acts[i], "COMMIT");
		ok(manifest_push(slow, env.pool, &p, &env.err));
		assert_true(proxy_is_used(proxy));
		assert_int_equal(total(EVENT_PUSH), 2 + i);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, slow_teardown)

static const struct CMUnitTest tests[] = {
	TEST(test_pulls_with_a_lost_commit),
	TEST(test_push_with_a_lost_commit),
};

UNIT_MAIN(tests)
