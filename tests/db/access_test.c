/* Who may do what, and sees what. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/model/access.h"
#include "common/model/catalog.h"
#include "tests/db/rows.h"

static void
join(const char *team, const struct account *member)
{
	sql("INSERT INTO team_member (team_id, member_id) VALUES (%s, %s)",
	    team, sql_id(&member->id));
}

static const char *
make_team(const struct account *org)
{
	struct rand_id id = rand_id_new();

	sql("INSERT INTO team (id, org_id, name, created) "
	    "VALUES (%s, %s, '%s', UTC_TIMESTAMP(6))",
	    sql_id(&id), sql_id(&org->id), unique("t"));
	return sql_id(&id);
}

static struct access
decide(const struct account *account, const char *path)
{
	struct access access;

	ok(access_decide(
	    env.garant, env.pool, account, path, &access, &env.err));
	return access;
}

static enum access_level
level(const struct account *account, const char *path)
{
	return decide(account, path).level;
}

/* an organisation with a private and a public repository */
struct house {
	struct account org;
	const char *hidden;
	const char *open;
	struct repository hidden_row;
};

static struct house
make_house(void)
{
	struct house h = { .org = make_account(ACCOUNT_ORG, false) };
	struct repository open;

	h.hidden = pool_printf(env.pool, "%s/hidden", h.org.name);
	h.open = pool_printf(env.pool, "%s/open", h.org.name);
	ok(repository_find_or_create(
	    env.registry, env.pool, h.hidden, true, &h.hidden_row, &env.err));
	ok(repository_find_or_create(
	    env.registry, env.pool, h.open, true, &open, &env.err));
	sql("UPDATE repository SET visibility = 1 WHERE id = %s",
	    sql_id(&open.id));
	return h;
}

static void
test_access_of_strangers(void **state UNUSED)
{
	struct house h = make_house();
	struct account stranger = make_account(ACCOUNT_USER, false);

	assert_int_equal(level(NULL, h.hidden), ACCESS_NONE);
	assert_int_equal(level(NULL, h.open), ACCESS_READ);
	assert_int_equal(level(&stranger, h.hidden), ACCESS_NONE);
	assert_int_equal(level(&stranger, h.open), ACCESS_READ);
	assert_false(decide(&stranger, h.hidden).may_create);
	assert_true(decide(&stranger, h.hidden).has_repository);
	assert_false(decide(&stranger, "no/where").has_namespace);
	assert_false(
	    decide(&stranger, pool_printf(env.pool, "%s/no", h.org.name))
		.has_repository);
}

static void
test_access_of_owners(void **state UNUSED)
{
	struct house h = make_house();
	struct account boss = make_account(ACCOUNT_USER, false);
	struct account member = make_account(ACCOUNT_USER, false);
	struct account admin = { .id = rand_id_new(), .is_admin = true };
	struct repo own = make_repo();
	struct account owner;

	sql("INSERT INTO org_member (org_id, member_id, is_admin) "
	    "VALUES (%s, %s, 1), (%s, %s, 0)",
	    sql_id(&h.org.id), sql_id(&boss.id), sql_id(&h.org.id),
	    sql_id(&member.id));
	assert_int_equal(level(&boss, h.hidden), ACCESS_ADMIN);
	assert_true(decide(&boss, h.hidden).may_create);
	/* membership alone gives nothing */
	assert_int_equal(level(&member, h.hidden), ACCESS_NONE);
	assert_false(decide(&member, h.hidden).may_create);
	assert_int_equal(level(&admin, h.hidden), ACCESS_ADMIN);
	ok(account_find(env.garant, env.pool,
	    pool_memdup(env.pool, own.path, strcspn(own.path, "/")), &owner,
	    &env.err));
	assert_int_equal(level(&owner, own.path), ACCESS_ADMIN);
	assert_int_equal(level(&owner, h.hidden), ACCESS_NONE);
	assert_int_equal(level(&boss, own.path), ACCESS_NONE);
}

static void
test_access_by_teams(void **state UNUSED)
{
	struct house h = make_house();
	struct account user = make_account(ACCOUNT_USER, false);
	const char *readers = make_team(&h.org);
	const char *writers = make_team(&h.org);
	const char *admins_team = make_team(&h.org);

	sql("INSERT INTO repo_grant (team_id, repository_id, level) "
	    "VALUES (%s, %s, 1), (%s, %s, 2)",
	    readers, sql_id(&h.hidden_row.id), writers,
	    sql_id(&h.hidden_row.id));
	sql("INSERT INTO namespace_grant (team_id, namespace_id, level) "
	    "VALUES (%s, %s, 3)",
	    admins_team, sql_id(&h.org.id));
	assert_int_equal(level(&user, h.hidden), ACCESS_NONE);
	join(readers, &user);
	assert_int_equal(level(&user, h.hidden), ACCESS_READ);
	join(writers, &user);
	assert_int_equal(level(&user, h.hidden), ACCESS_WRITE);
	assert_int_equal(level(&user, h.open), ACCESS_READ);
	assert_false(decide(&user, h.hidden).may_create);
	join(admins_team, &user);
	assert_int_equal(level(&user, h.hidden), ACCESS_ADMIN);
	assert_int_equal(level(&user, h.open), ACCESS_ADMIN);
	assert_true(decide(&user, h.hidden).may_create);
}

static bool
is_listed(const struct account *account, const char *path)
{
	const char **names;
	size_t count;

	ok(catalog_list(env.registry, env.pool,
	    account != NULL ? &account->id : NULL, "", 1000, &names, &count,
	    &env.err));
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], path) == 0)
			return true;
	return false;
}

static void
give_tag(const char *path)
{
	struct repo repo = { .path = path };

	ok(repository_find(env.registry, env.pool, path, &repo.row, &env.err));
	push_manifest(&repo, "v1", NULL, 0);
}

/* who may read a repository sees it in the list, and nobody else does */
static void
test_catalog_says_what_access_says(void **state UNUSED)
{
	struct house h = make_house();
	struct account users[6];
	const char *one = make_team(&h.org);
	const char *all = make_team(&h.org);

	for (size_t i = 0; i < COUNT_OF(users); i++)
		users[i] = make_account(ACCOUNT_USER, i == 5);
	join(one, &users[1]);
	join(all, &users[2]);
	sql("INSERT INTO repo_grant (team_id, repository_id, level) "
	    "VALUES (%s, %s, 1)",
	    one, sql_id(&h.hidden_row.id));
	sql("INSERT INTO namespace_grant (team_id, namespace_id, level) "
	    "VALUES (%s, %s, 1)",
	    all, sql_id(&h.org.id));
	sql("INSERT INTO org_member (org_id, member_id, is_admin) "
	    "VALUES (%s, %s, 0), (%s, %s, 1)",
	    sql_id(&h.org.id), sql_id(&users[3].id), sql_id(&h.org.id),
	    sql_id(&users[4].id));
	/* without a manifest there is nothing to pull */
	assert_false(is_listed(&users[5], h.hidden));
	give_tag(h.hidden);
	give_tag(h.open);
	assert_false(is_listed(NULL, h.hidden));
	assert_true(is_listed(NULL, h.open));
	for (size_t i = 0; i < COUNT_OF(users); i++) {
		assert_int_equal(is_listed(&users[i], h.hidden),
		    level(&users[i], h.hidden) >= ACCESS_READ);
		assert_int_equal(is_listed(&users[i], h.open),
		    level(&users[i], h.open) >= ACCESS_READ);
	}
	sql("UPDATE account SET is_active = 0 WHERE id = %s",
	    sql_id(&users[5].id));
	assert_false(is_listed(&users[5], h.hidden));
	sql("UPDATE account SET is_admin = 0 WHERE id = %s",
	    sql_id(&users[5].id));
}

/* "team-x/app" comes before "team/app": "-" is less than "/" */
static void
test_catalog_of_many_namespaces(void **state UNUSED)
{
	struct account boss = make_account(ACCOUNT_USER, false);
	const char *prefix = unique("many");
	const char *after = "";
	size_t count, total = 0;
	const char **names;

	sql("INSERT INTO account (id, name, kind, created) SELECT "
	    "UNHEX(MD5(CONCAT('%s', seq))), IF(seq %% 2, CONCAT('%s', seq), "
	    "CONCAT('%s', seq - 1, '-x')), 2, UTC_TIMESTAMP(6) "
	    "FROM seq_1_to_1100",
	    prefix, prefix, prefix);
	sql("INSERT INTO org_member (org_id, member_id, is_admin) SELECT id, "
	    "%s, 1 FROM account WHERE name LIKE '%s%%'",
	    sql_id(&boss.id), prefix);
	sql("INSERT INTO repository (id, namespace_id, path, created, listed) "
	    "SELECT id, id, CONCAT(name, '/app'), UTC_TIMESTAMP(6), 1 FROM "
	    "account WHERE name LIKE '%s%%'",
	    prefix);
	do {
		ok(catalog_list(env.registry, env.pool, &boss.id, after, 90,
		    &names, &count, &env.err));
		for (size_t i = 0; i < count; i++) {
			assert_true(strcmp(after, names[i]) < 0);
			after = names[i];
			total += strncmp(after, prefix, strlen(prefix)) == 0;
		}
	} while (count == 90);
	assert_int_equal(total, 1100);
}

static const struct CMUnitTest tests[] = {
	ENV_TEST(test_access_of_strangers),
	ENV_TEST(test_access_of_owners),
	ENV_TEST(test_access_by_teams),
	ENV_TEST(test_catalog_says_what_access_says),
	ENV_TEST(test_catalog_of_many_namespaces),
};

UNIT_MAIN(tests)
