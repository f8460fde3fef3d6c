/* What the users of the database may do: what their statements need. */
#include "common/base/base.h"
#include "common/model/schema.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/model/model.h"
#include "common/model/q.h"

#define QUERY_MAX ((size_t)64 << 10)

const char *const schema_roles[] = { "registry", "garant", "api" };
const size_t schema_role_count = COUNT_OF(schema_roles);

static bool
is_role(const char *name)
{
	for (size_t i = 0; i < schema_role_count; i++)
		if (strcmp(schema_roles[i], name) == 0)
			return true;
	return false;
}

/* MariaDB's number, and MySQL's, which speaks of making one by GRANT */
static bool
is_no_user(unsigned number)
{
	return number == 1133 || number == 1410;
}

int
schema_grant(struct db_admin *admin, struct pool *pool, const char *database,
    const char *host, struct err *err)
{
	const char *missing = NULL;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < Q_GRANT_COUNT; i++) {
		const struct q_grant *grant = &q_grants[i];
		const char *user;

		if (!is_role(grant->role))
			continue;
		user = pool_printf(pool, "%s_%s", database, grant->role);
		rc = db_admin_run(admin,
		    pool_printf(pool, "GRANT %s ON `%s`.`%s` TO %s@%s",
			grant->privileges, database, grant->table,
			db_admin_quote(admin, pool, user),
			db_admin_quote(admin, pool, host)),
		    err);
		if (rc < 0 && is_no_user(db_admin_errno(admin))) {
			missing = user;
			rc = 0;
		}
	}
	if (rc == 0 && missing != NULL)
		return err_set(err, E_NOTFOUND,
		    "there is no database user \"%s\"", missing);
	return rc;
}

/* "SELECT, INSERT" as rows of a table and a right */
static void
put_rights(struct str *out, const struct q_grant *grant)
{
	const char *p = grant->privileges;

	while (*p != '\0') {
		size_t n = strcspn(p, ",");

		str_printf(out, "%s SELECT '%s' AS name, '%.*s' AS may",
		    out->p[out->len - 1] == '(' ? "" : " UNION ALL",
		    grant->table, (int)n, p);
		p += n;
		p += strspn(p, ", ");
	}
}

/* rights on the whole database, by a pattern, and on all of them count, too */
int
schema_lacks(struct db_admin *self, struct pool *pool, const char *role,
    const char **out, struct err *err)
{
	struct str query;

	str_init(&query, pool, QUERY_MAX);
	str_puts(&query,
	    "SELECT GROUP_CONCAT(CONCAT(w.may, ' on ', w.name) SEPARATOR ', ') "
	    "FROM (");
	for (size_t i = 0; i < Q_GRANT_COUNT; i++)
		if (strcmp(q_grants[i].role, role) == 0)
			put_rights(&query, &q_grants[i]);
	str_puts(&query,
	    ") w WHERE NOT EXISTS (SELECT 1 "
	    "FROM information_schema.TABLE_PRIVILEGES t "
	    "WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_NAME = w.name "
	    "AND t.PRIVILEGE_TYPE = w.may) AND NOT EXISTS (SELECT 1 "
	    "FROM information_schema.SCHEMA_PRIVILEGES s "
	    "WHERE DATABASE() LIKE s.TABLE_SCHEMA "
	    "AND s.PRIVILEGE_TYPE = w.may) AND NOT EXISTS (SELECT 1 "
	    "FROM information_schema.USER_PRIVILEGES u "
	    "WHERE u.PRIVILEGE_TYPE = w.may)");
	ASSERT(!str_is_full(&query));
	return db_admin_ask(self, pool, query.p, out, err);
}

/* What REVOKE the user of this role has to see, one statement a line. */
static const char *
put_revoke_query(struct pool *pool, const char *role)
{
	struct str out;

	str_init(&out, pool, QUERY_MAX);
	str_puts(&out,
	    "SELECT GROUP_CONCAT(CONCAT('REVOKE ', PRIVILEGE_TYPE, ' ON `', "
	    "TABLE_SCHEMA, '`.`', TABLE_NAME, '` FROM ', GRANTEE) "
	    "SEPARATOR ';\\n') FROM information_schema.TABLE_PRIVILEGES "
	    "WHERE TABLE_SCHEMA = DATABASE() AND PRIVILEGE_TYPE <> 'USAGE'");
	for (size_t i = 0; i < Q_GRANT_COUNT; i++)
		if (strcmp(q_grants[i].role, role) == 0)
			str_printf(&out,
			    " AND NOT (TABLE_NAME = '%s' AND "
			    "FIND_IN_SET(CONCAT(' ', PRIVILEGE_TYPE), ' %s'))",
			    q_grants[i].table, q_grants[i].privileges);
	ASSERT(!str_is_full(&out));
	return out.p;
}

static int
revoke_role(struct db_admin *admin, const struct conf *conf, struct pool *pool,
    const char *role, struct err *err)
{
	struct db_admin *self = NULL;
	struct db_options options;
	const char *statements = NULL;
	int rc = model_options(conf, pool, role, &options, err);

	if (rc == 0)
		rc = db_admin_open(&self, &options, err);
	if (rc == 0)
		rc = db_admin_run(
		    self, "SET SESSION group_concat_max_len = 1000000", err);
	if (rc == 0)
		rc = db_admin_ask(
		    self, pool, put_revoke_query(pool, role), &statements, err);
	db_admin_close(&self);
	if (rc == 0 && statements != NULL)
		rc = db_admin_run(admin, statements, err);
	return rc;
}

int
schema_revoke(struct db_admin *admin, const struct conf *conf,
    struct pool *pool, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < schema_role_count; i++)
		rc = revoke_role(admin, conf, pool, schema_roles[i], err);
	return rc;
}
