#include "common/base/base.h"
#include "common/model/repository.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/model/model.h"
#include "common/model/q.h"
#include "common/model/search.h"

struct repository
repository_of_row(const struct db_rows *rows, size_t row, size_t column)
{
	return (struct repository){
		.id = db_cell_id(rows, row, column),
		.namespace_id = db_cell_id(rows, row, column + 1),
		.is_public = db_cell(rows, row, column + 2)->i == 1,
		.immutable_tags = db_cell(rows, row, column + 3)->i == 1,
		.tag_limit = db_cell(rows, row, column + 4)->i,
	};
}

int
repository_unknown(const char *path, struct err *err)
{
	err_set(err, E_NOTFOUND, "no repository \"%s\"", path);
	return err_reason(err, "NAME_UNKNOWN");
}

int
repository_find(struct db *db, struct pool *pool, const char *path,
    struct repository *out, struct err *err)
{
	struct db_rows rows;
	int rc = db_select(
	    db, pool, Q_REPOSITORY_BY_PATH, &rows, err, db_text(path));

	if (rc < 0)
		return rc;
	if (rows.count == 0)
		return repository_unknown(path, err);
	*out = repository_of_row(&rows, 0, 0);
	return 0;
}

struct create {
	const char *path;
	struct repository *repository;
};

static int
create_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct create *c = context;
	int rc = tx_exec(tx, Q_REPOSITORY_INSERT, NULL, err,
	    db_id(&c->repository->id), db_id(&c->repository->namespace_id),
	    db_text(c->path), db_int(c->repository->is_public));

	return rc < 0 ? rc : search_add(tx, &c->repository->id, c->path, err);
}

int
repository_find_or_create(struct db *db, struct pool *pool, const char *path,
    bool may_create, struct repository *out, struct err *err)
{
	const char *space = pool_memdup(pool, path, strcspn(path, "/"));
	struct create c = { path, out };
	struct db_rows rows;
	int rc = repository_find(db, pool, path, out, err);

	if (rc != E_NOTFOUND || !may_create)
		return rc;
	rc = db_select(
	    db, pool, Q_REPOSITORY_NAMESPACE, &rows, err, db_text(space));
	if (rc < 0)
		return rc;
	if (rows.count == 0) {
		err_set(err, E_NOTFOUND,
		    "no user or organisation \"%s\" to hold a repository",
		    space);
		return err_reason(err, "NAME_UNKNOWN");
	}
	*out = (struct repository){ .id = rand_id_new(),
		.namespace_id = db_cell_id(&rows, 0, 0) };
	rc = db_txn(db, create_tx, &c, err);
	if (rc == E_EXISTS)
		return repository_find(db, pool, path, out, err);
	return rc;
}

static int
set_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct create *c = context;
	const struct repository *r = c->repository;

	return tx_exec(tx, Q_REPOSITORY_SET, NULL, err, db_int(r->is_public),
	    db_int(r->immutable_tags), db_int(r->tag_limit), db_id(&r->id));
}

int
repository_check(const struct repository *repository, struct err *err)
{
	if (!repository->immutable_tags || repository->tag_limit == 0)
		return 0;
	return err_set(err, E_INVALID,
	    "immutable tags and a tag limit exclude each other: a tag that "
	    "went could come back as another image");
}

int
repository_set(
    struct db *db, const struct repository *repository, struct err *err)
{
	struct repository copy = *repository;
	struct create c = { NULL, &copy };
	int rc = repository_check(repository, err);

	return rc < 0 ? rc : db_txn(db, set_tx, &c, err);
}

int
repository_list(struct db *db, struct pool *pool, const char *after,
    size_t limit, struct repository_summary **out, size_t *count_out,
    struct err *err)
{
	struct db_rows rows;
	int rc = db_select(db, pool, Q_REPOSITORY_LIST, &rows, err,
	    db_text(after), db_uint(limit));

	if (rc < 0)
		return rc;
	*out = pool_array(pool, rows.count, sizeof(**out));
	*count_out = rows.count;
	for (size_t i = 0; i < rows.count; i++)
		(*out)[i] = (struct repository_summary){
			.path = db_cell(&rows, i, 0)->p,
			.repository = {
			    .is_public = db_cell(&rows, i, 1)->i == 1,
			    .immutable_tags = db_cell(&rows, i, 2)->i == 1,
			    .tag_limit = db_cell(&rows, i, 3)->i,
			},
			.pushes = db_cell(&rows, i, 4)->i,
			.pulls = db_cell(&rows, i, 5)->i,
		};
	return 0;
}
