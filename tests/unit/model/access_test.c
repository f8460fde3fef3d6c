/* The rule of access, on every combination of facts. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/model/access.h"

static const enum access_level levels[] = { ACCESS_NONE, ACCESS_READ,
	ACCESS_WRITE, ACCESS_ADMIN };

#define COMBINATIONS (1U << 6)

static struct access_facts
facts_of(unsigned bits, enum access_level repo, enum access_level space)
{
	return (struct access_facts){
		.caller_is_admin = (bits & 1) != 0,
		.caller_owns_namespace = (bits & 2) != 0,
		.caller_runs_org = (bits & 4) != 0,
		.has_namespace = (bits & 8) != 0,
		.has_repository = (bits & 16) != 0,
		.is_public = (bits & 32) != 0,
		.repo_grant = repo,
		.namespace_grant = space,
	};
}

static bool
is_owner(const struct access_facts *f)
{
	return f->caller_is_admin || f->caller_owns_namespace ||
	    f->caller_runs_org;
}

typedef void check_fn(const struct access_facts *f, struct access a);

static void
for_all(check_fn *check)
{
	for (unsigned bits = 0; bits < COMBINATIONS; bits++)
		for (size_t i = 0; i < COUNT_OF(levels); i++)
			for (size_t k = 0; k < COUNT_OF(levels); k++) {
				struct access_facts f =
				    facts_of(bits, levels[i], levels[k]);

				check(&f, access_of(&f));
			}
}

static void
check_echo(const struct access_facts *f, struct access a)
{
	assert_int_equal(a.has_namespace, f->has_namespace);
	assert_int_equal(a.has_repository, f->has_repository);
}

static void
check_nothing_on_nothing(const struct access_facts *f, struct access a)
{
	if (!f->has_repository)
		assert_int_equal(a.level, ACCESS_NONE);
	if (!f->has_namespace)
		assert_false(a.may_create);
}

static void
check_owner(const struct access_facts *f, struct access a)
{
	if (!f->has_namespace || !is_owner(f))
		return;
	assert_true(a.may_create);
	if (f->has_repository)
		assert_int_equal(a.level, ACCESS_ADMIN);
}

/* to others: the highest of their grants and of what everybody may */
static void
check_others(const struct access_facts *f, struct access a)
{
	enum access_level wanted = f->is_public ? ACCESS_READ : ACCESS_NONE;

	if (is_owner(f) || !f->has_repository)
		return;
	if (f->repo_grant > wanted)
		wanted = f->repo_grant;
	if (f->namespace_grant > wanted)
		wanted = f->namespace_grant;
	assert_int_equal(a.level, wanted);
}

static void
check_create(const struct access_facts *f, struct access a)
{
	if (is_owner(f) || !f->has_namespace)
		return;
	/* a grant on one repository makes no other one */
	assert_int_equal(a.may_create, f->namespace_grant == ACCESS_ADMIN);
}

/* more rights never take one away */
static void
check_monotone(const struct access_facts *f, struct access a)
{
	struct access_facts more = *f;

	more.repo_grant = ACCESS_ADMIN;
	assert_true(access_of(&more).level >= a.level);
	more = *f;
	more.namespace_grant = ACCESS_ADMIN;
	assert_true(access_of(&more).level >= a.level);
	assert_true(access_of(&more).may_create >= a.may_create);
	more = *f;
	more.caller_is_admin = more.is_public = true;
	assert_true(access_of(&more).level >= a.level);
}

static void
test_all_combinations(void **state UNUSED)
{
	for_all(check_echo);
	for_all(check_nothing_on_nothing);
	for_all(check_owner);
	for_all(check_others);
	for_all(check_create);
	for_all(check_monotone);
}

static void
test_examples(void **state UNUSED)
{
	/* a stranger and what is private, and what is public */
	assert_int_equal(
	    access_of(&(struct access_facts){
			  .has_namespace = true, .has_repository = true })
		.level,
	    ACCESS_NONE);
	assert_int_equal(
	    access_of(&(struct access_facts){ .has_namespace = true,
			  .has_repository = true,
			  .is_public = true })
		.level,
	    ACCESS_READ);
	/* a member of a team that may write there */
	assert_int_equal(
	    access_of(&(struct access_facts){ .has_namespace = true,
			  .has_repository = true,
			  .is_public = true,
			  .repo_grant = ACCESS_WRITE })
		.level,
	    ACCESS_WRITE);
	/* the administrator cannot make what has no namespace */
	assert_false(
	    access_of(&(struct access_facts){ .caller_is_admin = true })
		.may_create);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_all_combinations),
	cmocka_unit_test(test_examples),
};

UNIT_MAIN(tests)
