/* Prepared statements: bound once, run many times. */
#include "common/base/base.h"
#include "common/db/db_private.h"

#include "common/base/err.h"
#include "common/base/mem.h"
#include "common/base/pool.h"

/* most texts fit here and need no second call to fetch them */
#define INLINE_SIZE 288
#define ROWS_MAX 100000
#define ARGS_MAX 32
/* a column never holds more (a manifest's payload) */
#define CELL_MAX ((unsigned long)32 << 20)

struct result_cell {
	char text[INLINE_SIZE];
	int64_t number;
	unsigned long length;
	/* what the library takes for a truth value differs between the two
	 * client libraries in type, not in size */
	char is_null;
	char is_cut;
	bool is_integer;
};

_Static_assert(sizeof(*((MYSQL_BIND *)0)->is_null) == 1,
    "a truth value is one byte");

static int
stmt_fault(MYSQL_STMT *stmt, unsigned *number_out, struct err *err)
{
	*number_out = mysql_stmt_errno(stmt);
	return number_to_err(*number_out, mysql_stmt_error(stmt), err);
}

static bool
is_integer(enum enum_field_types type)
{
	return type == MYSQL_TYPE_TINY || type == MYSQL_TYPE_SHORT ||
	    type == MYSQL_TYPE_INT24 || type == MYSQL_TYPE_LONG ||
	    type == MYSQL_TYPE_LONGLONG || type == MYSQL_TYPE_NULL;
}

static void
bind_results(struct prepared *p, MYSQL_RES *meta)
{
	p->columns = mysql_num_fields(meta);
	p->results = mem_array(p->columns, sizeof(*p->results));
	p->cells = mem_array(p->columns, sizeof(*p->cells));
	for (unsigned i = 0; i < p->columns; i++) {
		const MYSQL_FIELD *field = mysql_fetch_field_direct(meta, i);
		struct result_cell *cell = &p->cells[i];
		MYSQL_BIND *bind = &p->results[i];

		cell->is_integer = is_integer(field->type);
		bind->is_null = (void *)&cell->is_null;
		bind->error = (void *)&cell->is_cut;
		bind->length = &cell->length;
		if (cell->is_integer) {
			bind->buffer_type = MYSQL_TYPE_LONGLONG;
			bind->buffer = &cell->number;
			bind->buffer_length = sizeof(cell->number);
		} else {
			bind->buffer_type = MYSQL_TYPE_STRING;
			bind->buffer = cell->text;
			bind->buffer_length = sizeof(cell->text);
		}
	}
}

static int
prepare(struct conn *conn, unsigned number, unsigned *number_out,
    struct err *err)
{
	const struct db_stmt_text *text = &conn->db->options.stmts[number];
	struct prepared *p = &conn->prepared[number];
	MYSQL_STMT *stmt = mysql_stmt_init(conn->mysql);
	MYSQL_RES *meta;

	ASSERT(stmt != NULL);
	if (mysql_stmt_prepare(stmt, text->text, strlen(text->text)) != 0) {
		int rc = stmt_fault(stmt, number_out, err);

		mysql_stmt_close(stmt);
		return rc < 0 ? err_prefix(err, "statement %s", text->name)
			      : rc;
	}
	ASSERT(mysql_stmt_param_count(stmt) == text->params);
	p->stmt = stmt;
	meta = mysql_stmt_result_metadata(stmt);
	if (meta != NULL) {
		bind_results(p, meta);
		mysql_free_result(meta);
		if (mysql_stmt_bind_result(stmt, (void *)p->results) != 0)
			return stmt_fault(stmt, number_out, err);
	}
	return 0;
}

void
stmt_close_all(struct conn *conn)
{
	for (size_t i = 0; i < conn->db->options.stmt_count; i++) {
		struct prepared *p = &conn->prepared[i];

		if (p->stmt != NULL)
			mysql_stmt_close(p->stmt);
		mem_free(&p->results);
		mem_free(&p->cells);
	}
}

static void
bind_args(const struct db_value *args, size_t count,
    MYSQL_BIND binds[ARGS_MAX], unsigned long lengths[ARGS_MAX])
{
	memset(binds, 0, count * sizeof(*binds));
	for (size_t i = 0; i < count; i++) {
		MYSQL_BIND *b = &binds[i];

		switch (args[i].type) {
		case DB_NULL:
			b->buffer_type = MYSQL_TYPE_NULL;
			break;
		case DB_INT:
		case DB_UINT:
			b->buffer_type = MYSQL_TYPE_LONGLONG;
			b->buffer = (void *)(uintptr_t)&args[i].i;
			b->is_unsigned = args[i].type == DB_UINT;
			break;
		case DB_BYTES:
			lengths[i] = args[i].n;
			b->buffer_type = MYSQL_TYPE_STRING;
			b->buffer = (void *)(uintptr_t)args[i].p;
			b->buffer_length = args[i].n;
			b->length = &lengths[i];
			break;
		}
	}
}

/* a text that did not fit its inline buffer */
static int
fetch_long(struct prepared *p, unsigned column, char *to, unsigned long n)
{
	unsigned long length = 0;
	char cut = 0;
	MYSQL_BIND bind;

	memset(&bind, 0, sizeof(bind));
	bind.buffer_type = MYSQL_TYPE_STRING;
	bind.buffer = to;
	bind.buffer_length = n;
	bind.length = &length;
	bind.error = (void *)&cut;
	return mysql_stmt_fetch_column(p->stmt, &bind, column, 0);
}

static int
copy_cell(struct prepared *p, struct pool *pool, unsigned column,
    struct db_cell *out)
{
	const struct result_cell *cell = &p->cells[column];

	*out = (struct db_cell){ .p = NULL };
	if (cell->is_null)
		return 0;
	if (cell->is_integer) {
		out->p = "";
		out->i = cell->number;
		return 0;
	}
	if (cell->length > CELL_MAX)
		return -1;
	out->n = cell->length;
	if (cell->length <= sizeof(cell->text)) {
		out->p = pool_memdup(pool, cell->text, cell->length);
	} else {
		char *text = pool_alloc(pool, cell->length + 1);

		if (fetch_long(p, column, text, cell->length) != 0)
			return -1;
		out->p = text;
	}
	return 0;
}

static int
fetch_rows(struct prepared *p, struct pool *pool, struct db_rows *out,
    unsigned *number_out, struct err *err)
{
	size_t size;

	if (mysql_stmt_store_result(p->stmt) != 0)
		return stmt_fault(p->stmt, number_out, err);
	size = (size_t)mysql_stmt_num_rows(p->stmt);
	if (size > ROWS_MAX)
		return err_set(err, E_INTERNAL, "a query without limit");
	out->columns = p->columns;
	out->cells = pool_array(
	    pool, size * p->columns, sizeof(*out->cells));
	for (out->count = 0; out->count < size; out->count++) {
		int rc = mysql_stmt_fetch(p->stmt);

		if (rc != 0 && rc != MYSQL_DATA_TRUNCATED)
			return stmt_fault(p->stmt, number_out, err);
		for (unsigned i = 0; i < p->columns; i++)
			if (copy_cell(p, pool, i,
				&out->cells[out->count * p->columns + i]) < 0)
				return stmt_fault(p->stmt, number_out, err);
	}
	return 0;
}

int
stmt_run(struct conn *conn, struct pool *pool, unsigned stmt,
    const struct db_value *args, size_t arg_count, struct db_rows *rows_out,
    uint64_t *affected_out, unsigned *number_out, struct err *err)
{
	struct prepared *p = &conn->prepared[stmt];
	MYSQL_BIND binds[ARGS_MAX];
	unsigned long lengths[ARGS_MAX];
	int rc = 0;

	ASSERT(stmt < conn->db->options.stmt_count);
	ASSERT(arg_count == conn->db->options.stmts[stmt].params &&
	    arg_count <= ARGS_MAX);
	*number_out = 0;
	if (p->stmt == NULL)
		rc = prepare(conn, stmt, number_out, err);
	if (rc < 0)
		return rc;
	bind_args(args, arg_count, binds, lengths);
	/* the library may fail with no error number: its word counts */
	if ((arg_count > 0 &&
		mysql_stmt_bind_param(p->stmt, (void *)binds) != 0) ||
	    mysql_stmt_execute(p->stmt) != 0)
		return stmt_fault(p->stmt, number_out, err);
	if (affected_out != NULL)
		*affected_out = mysql_stmt_affected_rows(p->stmt);
	if (p->columns > 0) {
		struct db_rows unwanted;

		rc = fetch_rows(p, pool,
		    rows_out != NULL ? rows_out : &unwanted, number_out, err);
		mysql_stmt_free_result(p->stmt);
	}
	return rc;
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
