/* Results, of whichever protocol they come by. */
#include "common/base/base.h"
#include "common/db/db_private.h"

#include "common/base/err.h"
#include "common/base/pool.h"

bool
rows_is_integer(const MYSQL_FIELD *field)
{
	switch ((int)field->type) {
	case MYSQL_TYPE_TINY:
	case MYSQL_TYPE_SHORT:
	case MYSQL_TYPE_INT24:
	case MYSQL_TYPE_LONG:
	case MYSQL_TYPE_LONGLONG:
	case MYSQL_TYPE_YEAR:
		return true;
	case MYSQL_TYPE_NEWDECIMAL:
		/* SUM() of integers */
		return field->decimals == 0;
	default:
		return false;
	}
}

static void
grow(struct db_rows *rows, size_t *size, struct pool *pool)
{
	/* most queries have one row */
	size_t wanted = *size == 0 ? 1 : *size * 4;
	struct db_cell *cells =
	    pool_array(pool, wanted * rows->columns, sizeof(*cells));

	if (rows->count > 0)
		memcpy(cells, rows->cells,
		    rows->count * rows->columns * sizeof(*cells));
	rows->cells = cells;
	*size = wanted;
}

struct db_cell *
rows_add(struct db_rows *rows, size_t *size, struct pool *pool)
{
	if (rows->count == *size)
		grow(rows, size, pool);
	return &rows->cells[rows->count++ * rows->columns];
}

int
rows_too_big(struct conn *conn, unsigned stmt, struct err *err)
{
	conn->fault = FAULT_OTHER;
	err_set(err, E_INTERNAL, "the database answered more than expected");
	return err_cause(err, "%s", conn->db->options.stmts[stmt].name);
}

struct rand_id
db_cell_id(const struct db_rows *rows, size_t row, size_t column)
{
	const struct db_cell *cell = db_cell(rows, row, column);
	struct rand_id id;

	ASSERT(cell->p != NULL && cell->n == sizeof(id.bytes));
	memcpy(id.bytes, cell->p, sizeof(id.bytes));
	return id;
}
