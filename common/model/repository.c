#include "common/base/base.h"
#include "common/model/repository.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/model/model.h"
#include "common/model/q.h"

int
repository_find(struct db *db, struct pool *pool, const char *path,
    struct repository *out, struct err *err)
{
	struct db_rows rows;
	int rc = db_select(
	    db, pool, Q_REPOSITORY_BY_PATH, &rows, err, db_text(path));

	if (rc < 0)
		return rc;
	if (rows.count == 0) {
		err_set(err, E_NOTFOUND, "no repository \"%s\"", path);
		return err_reason(err, "NAME_UNKNOWN");
	}
	out->id = db_cell_id(&rows, 0, 0);
	out->namespace_id = db_cell_id(&rows, 0, 1);
	out->is_public = db_cell(&rows, 0, 2)->i == 1;
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

	return tx_exec(tx, Q_REPOSITORY_INSERT, NULL, err,
	    db_id(&c->repository->id), db_id(&c->repository->namespace_id),
	    db_text(c->path), db_int(c->repository->is_public));
}

int
repository_find_or_create(struct db *db, struct pool *pool, const char *path,
    struct repository *out, struct err *err)
{
	const char *space = pool_memdup(pool, path, strcspn(path, "/"));
	struct create c = { path, out };
	struct db_rows rows;
	int rc = repository_find(db, pool, path, out, err);

	if (rc != E_NOTFOUND)
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

int
repository_catalog(struct db *db, struct pool *pool, const char *reader,
    const char *after, size_t limit, const char ***names_out,
    size_t *count_out, struct err *err)
{
	struct rand_id reader_id;
	const struct rand_id *id = NULL;
	bool is_admin = false;
	struct db_rows rows;
	int rc;

	if (reader != NULL) {
		rc = db_select(db, pool, Q_REPOSITORY_READER, &rows, err,
		    db_text(reader));
		if (rc < 0)
			return rc;
		if (rows.count > 0) {
			reader_id = db_cell_id(&rows, 0, 0);
			id = &reader_id;
			is_admin = db_cell(&rows, 0, 1)->i == 1;
		}
	}
	rc = db_select(db, pool, Q_REPOSITORY_CATALOG, &rows, err,
	    db_text(after), db_int(is_admin), db_id(id), db_id(id), db_id(id),
	    db_id(id), db_uint(limit));
	if (rc < 0)
		return rc;
	*names_out = pool_array(pool, rows.count, sizeof(**names_out));
	*count_out = rows.count;
	for (size_t i = 0; i < rows.count; i++)
		(*names_out)[i] = db_cell(&rows, i, 0)->p;
	return 0;
}
