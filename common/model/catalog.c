#include "common/base/base.h"
#include "common/model/catalog.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/vec.h"
#include "common/model/model.h"
#include "common/model/q.h"

/* namespaces that are looked up at once */
#define SPACES 100

typedef VEC(const char *) name_list;

struct catalog {
	struct db *db;
	struct pool *pool;
	const char *after;
	size_t limit;
	name_list names;
};

static int
compare(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* the lowest limit names, each once: a page is no longer, whatever else is
 * added */
static void
keep_lowest(struct catalog *c)
{
	size_t kept = 0;

	if (c->names.count == 0)
		return;
	qsort(c->names.items, c->names.count, sizeof(*c->names.items),
	    compare);
	for (size_t i = 1; i < c->names.count; i++)
		if (strcmp(c->names.items[kept], c->names.items[i]) != 0)
			c->names.items[++kept] = c->names.items[i];
	c->names.count = kept + 1 < c->limit ? kept + 1 : c->limit;
}

/* the names that this statement lists, of one account or namespace if not NULL */
static int
add(struct catalog *c, unsigned stmt, const struct rand_id *of, struct err *err)
{
	struct db_value values[3];
	struct db_rows rows;
	size_t count = 0;
	int rc;

	if (of != NULL)
		values[count++] = db_id(of);
	values[count++] = db_text(c->after);
	values[count++] = db_uint(c->limit);
	rc = db_select_(c->db, c->pool, stmt, &rows, err, values, count);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < rows.count; i++)
		VEC_PUSH(&c->names, c->pool, db_cell(&rows, i, 0)->p);
	keep_lowest(c);
	return 0;
}

static bool
is_full_before(const struct catalog *c, const char *place)
{
	return c->names.count == c->limit &&
	    strcmp(c->names.items[c->limit - 1], place) < 0;
}

/* whole namespaces: his own, of organisations that he runs, of his teams; as
 * far as the page goes */
static int
add_namespaces(
    struct catalog *c, const struct rand_id *reader, struct err *err)
{
	const char *place =
	    pool_memdup(c->pool, c->after, strcspn(c->after, "/"));
	struct db_rows spaces;
	int rc;

	do {
		rc = db_select(c->db, c->pool, Q_CATALOG_NAMESPACES, &spaces,
		    err, db_id(reader), db_id(reader), db_id(reader),
		    db_text(place), db_uint(SPACES));
		for (size_t i = 0; rc == 0 && i < spaces.count; i++) {
			struct rand_id space = db_cell_id(&spaces, i, 0);

			place = db_cell(&spaces, i, 1)->p;
			if (is_full_before(c, place))
				return 0;
			rc = add(c, Q_CATALOG_NAMESPACE, &space, err);
		}
	} while (rc == 0 && spaces.count == SPACES);
	return rc;
}

static int
add_readable(struct catalog *c, const struct rand_id *reader, struct err *err)
{
	struct db_rows rows;
	int rc = db_select(
	    c->db, c->pool, Q_CATALOG_READER, &rows, err, db_id(reader));

	if (rc < 0)
		return rc;
	if (rows.count == 0)
		return add(c, Q_CATALOG_PUBLIC, NULL, err);
	if (db_cell(&rows, 0, 0)->i == 1)
		return add(c, Q_CATALOG_ALL, NULL, err);
	rc = add(c, Q_CATALOG_PUBLIC, NULL, err);
	/* single repositories that a team of the reader has a right on */
	if (rc == 0)
		rc = add(c, Q_CATALOG_GRANTED, reader, err);
	return rc < 0 ? rc : add_namespaces(c, reader, err);
}

int
catalog_list(struct db *db, struct pool *pool, const struct rand_id *reader,
    const char *after, size_t limit, const char ***names_out, size_t *count_out,
    struct err *err)
{
	struct catalog c = { .db = db, .pool = pool, .after = after,
		.limit = limit, .names = VEC_INIT(2 * limit) };
	int rc = reader != NULL ? add_readable(&c, reader, err)
				: add(&c, Q_CATALOG_PUBLIC, NULL, err);

	*names_out = c.names.items;
	*count_out = c.names.count;
	return rc;
}
