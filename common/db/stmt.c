/* Prepared statements: bound once on each connection, run many times. */
#include "common/base/base.h"
#include "common/db/db_private.h"

#include "common/base/err.h"
#include "common/base/mem.h"
#include "common/base/num.h"
#include "common/base/pool.h"

/* most texts fit here and need no second call to fetch them */
#define INLINE_SIZE 256
#define ROWS_MAX    100000
/* of all arguments together: over the server's packet it hangs up */
#define ARGS_SIZE_MAX ((size_t)15 << 20)
#define CELL_SIZE_MAX ((unsigned long)32 << 20)

#define TOO_MANY_PREPARED 1461

struct column {
	bool is_integer;
	bool is_unsigned;
	int64_t number;
	char text[INLINE_SIZE];
};

struct prepared {
	MYSQL_STMT *handle;
	MYSQL_BIND *args;
	size_t columns;
	MYSQL_BIND *results; /* lengths and NULL flags come in here, too */
	struct column *cells;
};

static int
handle_fail(
    struct conn *conn, unsigned stmt, MYSQL_STMT *handle, struct err *err)
{
	return conn_fail(conn, conn->db->options.stmts[stmt].name,
	    mysql_stmt_errno(handle), mysql_stmt_error(handle), err);
}

static bool
is_integer(const MYSQL_FIELD *field)
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
bind_results(struct prepared *p, MYSQL_RES *meta)
{
	p->columns = mysql_num_fields(meta);
	p->results = mem_array(p->columns, sizeof(*p->results));
	p->cells = mem_array(p->columns, sizeof(*p->cells));
	for (size_t i = 0; i < p->columns; i++) {
		const MYSQL_FIELD *field =
		    mysql_fetch_field_direct(meta, (unsigned)i);
		struct column *cell = &p->cells[i];
		MYSQL_BIND *bind = &p->results[i];

		cell->is_integer = is_integer(field);
		cell->is_unsigned = (field->flags & UNSIGNED_FLAG) != 0;
		/* the types of these differ between the client libraries */
		bind->is_null = &bind->is_null_value;
		bind->error = &bind->error_value;
		bind->length = &bind->length_value;
		if (cell->is_integer) {
			bind->buffer_type = MYSQL_TYPE_LONGLONG;
			bind->buffer = &cell->number;
			bind->buffer_length = sizeof(cell->number);
			bind->is_unsigned = cell->is_unsigned;
		} else {
			bind->buffer_type = MYSQL_TYPE_STRING;
			bind->buffer = cell->text;
			bind->buffer_length = sizeof(cell->text);
		}
	}
}

static void
prepared_free(struct prepared **prepared)
{
	struct prepared *p = *prepared;

	if (p == NULL)
		return;
	if (p->handle != NULL)
		mysql_stmt_close(p->handle);
	mem_free(&p->args);
	mem_free(&p->results);
	mem_free(&p->cells);
	mem_free(prepared);
}

void
stmt_free_all(struct conn *conn)
{
	for (size_t i = 0; i < conn->db->options.stmt_count; i++)
		prepared_free(&conn->prepared[i]);
}

/* *number_out: of the server's error, which closing a handle forgets */
static int
prepare_once(
    struct conn *conn, unsigned stmt, unsigned *number_out, struct err *err)
{
	const struct db_stmt_text *text = &conn->db->options.stmts[stmt];
	struct prepared *p = mem_new(sizeof(*p));
	MYSQL_RES *meta;
	int rc = 0;

	p->handle = mysql_stmt_init(conn->mysql);
	ASSERT(p->handle != NULL);
	if (mysql_stmt_prepare(p->handle, text->text, strlen(text->text)) !=
	    0) {
		*number_out = mysql_stmt_errno(p->handle);
		rc = handle_fail(conn, stmt, p->handle, err);
		prepared_free(&p);
		return rc;
	}
	ASSERT(mysql_stmt_param_count(p->handle) == text->params);
	if (text->params > 0)
		p->args = mem_array(text->params, sizeof(*p->args));
	meta = mysql_stmt_result_metadata(p->handle);
	if (meta != NULL) {
		bind_results(p, meta);
		mysql_free_result(meta);
		if (mysql_stmt_bind_result(p->handle, p->results) != 0)
			rc = handle_fail(conn, stmt, p->handle, err);
	}
	if (rc < 0)
		prepared_free(&p);
	conn->prepared[stmt] = p;
	return rc;
}

int
stmt_prepare(struct conn *conn, unsigned stmt, struct err *err)
{
	unsigned number = 0;
	int rc;

	ASSERT(stmt < conn->db->options.stmt_count);
	if (conn->prepared[stmt] != NULL)
		return 0;
	rc = prepare_once(conn, stmt, &number, err);
	/* the server has a limit for all its clients together */
	if (rc < 0 && number == TOO_MANY_PREPARED) {
		stmt_free_all(conn);
		rc = prepare_once(conn, stmt, &number, err);
		if (rc < 0)
			err->code = E_BUSY;
	}
	return rc < 0 ? err->code : 1;
}

/* The library's pointers are not const; it only reads. */
static void *
to_read(const void *p)
{
	union {
		const void *given;
		void *taken;
	} u = { .given = p };

	return u.taken;
}

static void
bind_args(struct prepared *p, const struct db_value *args, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		MYSQL_BIND *bind = &p->args[i];

		*bind = (MYSQL_BIND){ .length = NULL };
		switch (args[i].type) {
		case DB_NULL:
			bind->buffer_type = MYSQL_TYPE_NULL;
			break;
		case DB_INT:
		case DB_UINT:
			bind->buffer_type = MYSQL_TYPE_LONGLONG;
			bind->buffer = to_read(&args[i].i);
			bind->is_unsigned = args[i].type == DB_UINT;
			break;
		case DB_BYTES:
			/* as text also where it is bytes: a BLOB compares by
			 * another collation than the names' indexes have */
			bind->buffer_type = MYSQL_TYPE_STRING;
			bind->buffer = to_read(args[i].p);
			bind->buffer_length = args[i].n;
			bind->length_value = args[i].n;
			bind->length = &bind->length_value;
			break;
		}
	}
}

static int
check_args(const struct db_value *args, size_t count, struct err *err)
{
	size_t size = 0;

	for (size_t i = 0; i < count; i++) {
		if (args[i].type != DB_BYTES)
			continue;
		if (args[i].n > ARGS_SIZE_MAX - size)
			return err_set(err, E_TOOBIG,
			    "more than %zu bytes for the database",
			    ARGS_SIZE_MAX);
		size += args[i].n;
	}
	return 0;
}

static void
put_integer(const struct column *cell, struct pool *pool, struct db_cell *out)
{
	char *text = pool_alloc(pool, NUM_TEXT_SIZE);

	out->i = cell->number;
	out->n = cell->is_unsigned ? num_put_u64(text, (uint64_t)cell->number)
				   : num_put_i64(text, cell->number);
	out->p = text;
}

static int
too_big(struct conn *conn, unsigned stmt, struct err *err)
{
	conn->fault = FAULT_OTHER;
	err_set(err, E_INTERNAL, "the database answered more than expected");
	return err_cause(err, "%s", conn->db->options.stmts[stmt].name);
}

/* A text that did not fit its column's buffer. */
static int
put_long(struct conn *conn, unsigned stmt, struct pool *pool, size_t column,
    struct db_cell *out, struct err *err)
{
	struct prepared *p = conn->prepared[stmt];
	unsigned long n = p->results[column].length_value;
	char *text;
	MYSQL_BIND bind = { .buffer_type = MYSQL_TYPE_STRING,
		.buffer_length = n };

	if (n > CELL_SIZE_MAX)
		return too_big(conn, stmt, err);
	text = pool_alloc(pool, n + 1);
	bind.buffer = text;
	bind.length = &bind.length_value;
	bind.is_null = &bind.is_null_value;
	bind.error = &bind.error_value;
	if (mysql_stmt_fetch_column(p->handle, &bind, (unsigned)column, 0) != 0)
		return handle_fail(conn, stmt, p->handle, err);
	out->p = text;
	out->n = n;
	return 0;
}

static int
put_cell(struct conn *conn, unsigned stmt, struct pool *pool, size_t column,
    struct db_cell *out, struct err *err)
{
	struct prepared *p = conn->prepared[stmt];
	const struct column *cell = &p->cells[column];
	const MYSQL_BIND *bind = &p->results[column];

	*out = (struct db_cell){ .p = NULL };
	if (bind->is_null_value)
		return 0;
	if (cell->is_integer) {
		if (bind->error_value)
			return too_big(conn, stmt, err);
		put_integer(cell, pool, out);
		return 0;
	}
	if (bind->length_value > sizeof(cell->text))
		return put_long(conn, stmt, pool, column, out, err);
	out->n = bind->length_value;
	out->p = pool_memdup(pool, cell->text, out->n);
	return 0;
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

static int
fetch_rows(struct conn *conn, unsigned stmt, struct pool *pool,
    struct db_rows *out, struct err *err)
{
	struct prepared *p = conn->prepared[stmt];
	size_t size = 0;

	*out = (struct db_rows){ .columns = p->columns };
	for (;;) {
		struct db_cell *row;
		int rc = mysql_stmt_fetch(p->handle);

		if (rc == MYSQL_NO_DATA)
			return 0;
		if (rc != 0 && rc != MYSQL_DATA_TRUNCATED)
			return handle_fail(conn, stmt, p->handle, err);
		if (out->count == ROWS_MAX)
			return too_big(conn, stmt, err);
		if (out->count == size)
			grow(out, &size, pool);
		row = &out->cells[out->count * p->columns];
		for (size_t i = 0; i < p->columns; i++) {
			rc = put_cell(conn, stmt, pool, i, &row[i], err);
			if (rc < 0)
				return rc;
		}
		out->count++;
	}
}

int
stmt_run(struct conn *conn, struct pool *pool, unsigned stmt,
    const struct db_value *args, size_t arg_count, struct db_rows *rows_out,
    uint64_t *affected_out, struct err *err)
{
	struct prepared *p;
	int rc;

	ASSERT(arg_count == conn->db->options.stmts[stmt].params);
	rc = check_args(args, arg_count, err);
	if (rc < 0) {
		conn->fault = FAULT_OTHER;
		return rc;
	}
	rc = stmt_prepare(conn, stmt, err);
	if (rc < 0)
		return rc;
	p = conn->prepared[stmt];
	ASSERT((rows_out != NULL) == (p->columns > 0));
	bind_args(p, args, arg_count);
	/* the library may fail without an error number: its word counts */
	if ((arg_count > 0 && mysql_stmt_bind_param(p->handle, p->args) != 0) ||
	    mysql_stmt_execute(p->handle) != 0)
		return handle_fail(conn, stmt, p->handle, err);
	if (affected_out != NULL)
		*affected_out = mysql_stmt_affected_rows(p->handle);
	if (rows_out == NULL)
		return 0;
	rc = fetch_rows(conn, stmt, pool, rows_out, err);
	/* unlike a reset this asks nothing of the server */
	if (!conn->is_broken)
		mysql_stmt_free_result(p->handle);
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
