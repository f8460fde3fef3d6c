#include "common/base/base.h"
#include "common/model/repository.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/model/model.h"
#include "common/model/q.h"
#include "common/model/search.h"
#include "common/model/setting.h"

#define POOL_SIZE ((size_t)1 << 20)

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

/* an immutable tag that went could come back as another image */
int64_t
repository_tag_limit(const struct repository *repository)
{
	return repository->immutable_tags ? 0 : repository->tag_limit;
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
	const struct repository *r = c->repository;
	int rc = tx_exec(tx, Q_REPOSITORY_INSERT, NULL, err, db_id(&r->id),
	    db_id(&r->namespace_id), db_text(c->path), db_int(r->is_public),
	    db_int(r->immutable_tags), db_int(r->tag_limit));

	return rc < 0 ? rc : search_add(tx, &r->id, c->path, err);
}

static struct repository
with(struct repository r, const struct repository_change *change)
{
	if (change->is_public != NULL)
		r.is_public = *change->is_public;
	if (change->immutable_tags != NULL)
		r.immutable_tags = *change->immutable_tags;
	if (change->tag_limit != NULL)
		r.tag_limit = *change->tag_limit;
	return r;
}

static int
check(const struct repository *repository, struct err *err)
{
	if (!repository->immutable_tags || repository->tag_limit == 0)
		return 0;
	return err_set(err, E_INVALID,
	    "immutable tags and a tag limit exclude each other (a tag that "
	    "went could come back as another image): give --immutable-tags "
	    "no or --tag-limit 0");
}

/* the catalog finds those of a namespace behind its name and a slash */
static int
check_path(const char *path, struct err *err)
{
	if (strchr(path, '/') != NULL)
		return 0;
	err_set(err, E_INVALID,
	    "repository name \"%s\" is not valid: it is NAMESPACE/NAME, a user "
	    "or organisation first",
	    path);
	return err_reason(err, "NAME_INVALID");
}

/* an earlier run of the transaction made it, and its answer was lost */
static bool
is_ours(struct db *db, struct pool *pool, const char *path,
    const struct repository *repository)
{
	struct repository found;
	struct err ignored;

	return repository_find(db, pool, path, &found, &ignored) == 0 &&
	    rand_id_equal(&found.id, &repository->id);
}

int
repository_create(struct db *db, struct pool *pool, const char *path,
    const struct repository_change *change, struct repository *out,
    struct err *err)
{
	const char *space = pool_memdup(pool, path, strcspn(path, "/"));
	struct create c = { path, out };
	struct db_rows rows;
	int rc;

	*out = with((struct repository){ .id = rand_id_new() }, change);
	rc = check_path(path, err);
	if (rc == 0)
		rc = check(out, err);
	if (rc == 0)
		rc = db_select(db, pool, Q_REPOSITORY_NAMESPACE, &rows, err,
		    db_text(space));
	if (rc < 0)
		return rc;
	if (rows.count == 0) {
		err_set(err, E_NOTFOUND,
		    "no user or organisation \"%s\" to hold a repository",
		    space);
		return err_reason(err, "NAME_UNKNOWN");
	}
	out->namespace_id = db_cell_id(&rows, 0, 0);
	rc = db_txn(db, create_tx, &c, err);
	return rc == E_EXISTS && is_ours(db, pool, path, out) ? 0 : rc;
}

int
repository_find_or_create(struct db *db, struct pool *pool, const char *path,
    bool may_create, struct repository *out, struct err *err)
{
	static const struct repository_change none;
	int rc = repository_find(db, pool, path, out, err);

	if (rc != E_NOTFOUND || !may_create)
		return rc;
	rc = repository_create(db, pool, path, &none, out, err);
	if (rc == E_EXISTS)
		return repository_find(db, pool, path, out, err);
	return rc;
}

struct set {
	const struct rand_id *id;
	const struct repository_change *change;
	struct repository *after;
	struct pool *pool;
};

static int
set_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct set *s = context;
	struct repository was;
	struct db_rows rows;
	int rc =
	    tx_select(tx, s->pool, Q_REPOSITORY_LOCK, &rows, err, db_id(s->id));

	if (rc < 0)
		return rc;
	if (rows.count == 0)
		return err_set(err, E_NOTFOUND, "the repository is gone");
	was = repository_of_row(&rows, 0, 0);
	*s->after = with(was, s->change);
	/* what is not asked for stays as it is, however it came to be */
	if (s->change->immutable_tags != NULL || s->change->tag_limit != NULL)
		rc = check(s->after, err);
	if (rc == 0)
		rc = tx_exec(tx, Q_REPOSITORY_SET, NULL, err,
		    db_int(s->after->is_public),
		    db_int(s->after->immutable_tags),
		    db_int(s->after->tag_limit), db_id(s->id));
	/* whoever may not read it any more may not with an older token */
	if (rc == 0 && was.is_public && !s->after->is_public)
		rc = setting_revoke_tokens_in(tx, err);
	return rc;
}

int
repository_set(struct db *db, const struct rand_id *id,
    const struct repository_change *change, struct repository *after_out,
    struct err *err)
{
	struct set s = { .id = id,
		.change = change,
		.after = after_out,
		.pool = pool_new(POOL_SIZE) };
	int rc = db_txn(db, set_tx, &s, err);

	pool_free(&s.pool);
	return rc;
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
