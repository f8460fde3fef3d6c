#include "common/base/base.h"
#include "common/model/access.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/model/account.h"
#include "common/model/model.h"
#include "common/model/q.h"

static enum access_level
higher(enum access_level a, enum access_level b)
{
	return a > b ? a : b;
}

struct access
access_of(const struct access_facts *f)
{
	bool owns = f->has_namespace &&
	    (f->caller_is_admin || f->caller_owns_namespace ||
		f->caller_runs_org);
	struct access access = {
		.has_namespace = f->has_namespace,
		.has_repository = f->has_repository,
		.may_create = f->has_namespace &&
		    (owns || f->namespace_grant == ACCESS_ADMIN),
	};

	if (!f->has_repository)
		return access;
	if (f->is_public)
		access.level = ACCESS_READ;
	access.level = higher(access.level, f->repo_grant);
	access.level = higher(access.level, f->namespace_grant);
	if (owns)
		access.level = ACCESS_ADMIN;
	return access;
}

static enum access_level
level_cell(const struct db_rows *rows, size_t column)
{
	const struct db_cell *cell = db_cell(rows, 0, column);

	if (cell->p == NULL || cell->i < ACCESS_NONE || cell->i > ACCESS_ADMIN)
		return ACCESS_NONE;
	return (enum access_level)cell->i;
}

int
access_decide(struct db *db, struct pool *pool, const struct account *account,
    const char *path, struct access *out, struct err *err)
{
	struct access_facts facts = { .has_namespace = false };
	const struct rand_id *id = account != NULL ? &account->id : NULL;
	const char *space =
	    pool_memdup(pool, path, strcspn(path, "/"));
	struct db_rows rows;
	int rc = db_select(db, pool, Q_ACCESS_FACTS, &rows, err, db_id(id),
	    db_id(id), db_text(path), db_id(id), db_text(space));

	if (rc < 0)
		return rc;
	if (rows.count > 0) {
		struct rand_id namespace_id = db_cell_id(&rows, 0, 0);

		facts.has_namespace = true;
		facts.has_repository = db_cell(&rows, 0, 2)->p != NULL;
		facts.is_public = facts.has_repository &&
		    db_cell(&rows, 0, 3)->i == 1;
		facts.repo_grant = level_cell(&rows, 5);
		facts.namespace_grant = level_cell(&rows, 6);
		if (account != NULL) {
			facts.caller_is_admin = account->is_admin;
			facts.caller_owns_namespace =
			    rand_id_equal(&namespace_id, &account->id);
			facts.caller_runs_org =
			    db_cell(&rows, 0, 4)->p != NULL &&
			    db_cell(&rows, 0, 4)->i == 1;
		}
	}
	*out = access_of(&facts);
	return 0;
}
