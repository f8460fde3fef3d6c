/*
 * The statements of a transaction that nobody waits for: they are collected as
 * text and go to the server together, in one round trip. The server runs them
 * in their order and stops at the first that fails.
 *
 * Values are written as numbers and as hexadecimal digits alone, so no value
 * can become a part of a statement.
 */
#include "common/base/base.h"
#include "common/db/db_private.h"

#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/num.h"
#include "common/base/pool.h"

/* the text so far, what one more statement may bring, and both */
#define TEXT_FULL ((size_t)64 << 10)
#define ARGS_MAX  ((size_t)16 << 10)
#define TEXT_MAX  ((size_t)256 << 10)
#define HEX_STEP  64

void
batch_init(struct batch *batch)
{
	str_init(&batch->text, NULL, TEXT_MAX);
	batch->count = 0;
}

void
batch_release(struct batch *batch)
{
	str_release(&batch->text);
}

void
batch_clear(struct batch *batch)
{
	str_clear(&batch->text);
	batch->count = 0;
}

static void
put_hex(struct str *text, const unsigned char *p, size_t n)
{
	char digits[ENC_HEX_SIZE(HEX_STEP)];

	str_puts(text, "x'");
	for (size_t i = 0; i < n; i += HEX_STEP) {
		size_t step = n - i < HEX_STEP ? n - i : HEX_STEP;

		enc_put_hex(digits, p + i, step);
		str_add(text, digits, step * 2);
	}
	str_putc(text, '\'');
}

static void
put_value(struct str *text, const struct db_value *value)
{
	switch (value->type) {
	case DB_NULL:
		str_puts(text, "NULL");
		break;
	case DB_INT:
		/* behind another "-" one would begin a comment */
		str_printf(text, value->i < 0 ? "(%" PRId64 ")" : "%" PRId64,
		    value->i);
		break;
	case DB_UINT:
		str_printf(text, "%" PRIu64, value->u);
		break;
	case DB_TEXT:
		str_puts(text, "_utf8mb4 ");
		put_hex(text, value->p, value->n);
		break;
	case DB_BYTES:
		put_hex(text, value->p, value->n);
		break;
	}
}

static void
put_statement(struct str *text, const char *statement,
    const struct db_value *args, size_t arg_count)
{
	size_t next = 0;

	/* gen-stmts.awk refuses a "?" that is no argument's place */
	for (;;) {
		size_t n = strcspn(statement, "?");

		str_add(text, statement, n);
		if (statement[n] == '\0')
			break;
		ASSERT(next < arg_count);
		put_value(text, &args[next++]);
		statement += n + 1;
	}
	ASSERT(next == arg_count);
}

static void
begin_statement(struct batch *batch, const char *name, uint64_t *affected_out)
{
	ASSERT(batch->count < BATCH_MAX);
	if (batch->count > 0)
		str_puts(&batch->text, ";\n");
	batch->items[batch->count++] =
	    (struct batch_item){ name, affected_out };
}

void
batch_add_text(struct batch *batch, const char *text)
{
	begin_statement(batch, text, NULL);
	str_puts(&batch->text, text);
}

void
batch_add(struct batch *batch, const struct db_stmt_text *stmt,
    const struct db_value *args, size_t arg_count, uint64_t *affected_out)
{
	begin_statement(batch, stmt->name, affected_out);
	put_statement(&batch->text, stmt->text, args, arg_count);
}

bool
batch_fits(const struct batch *batch, const struct db_value *args, size_t count)
{
	return batch->count < BATCH_MAX - 1 && batch->text.len <= TEXT_FULL &&
	    stmt_args_size(args, count) <= ARGS_MAX;
}

static int
fail(struct conn *conn, size_t i, struct err *err)
{
	return conn_fail(conn, conn->batch.items[i].name,
	    mysql_errno(conn->mysql), mysql_error(conn->mysql), err);
}

static int
put_cell(struct conn *conn, unsigned stmt, struct pool *pool,
    const MYSQL_FIELD *field, const char *p, unsigned long n,
    struct db_cell *out, struct err *err)
{
	*out = (struct db_cell){ .p = NULL };
	if (p == NULL)
		return 0;
	if (n > CELL_SIZE_MAX)
		return rows_too_big(conn, stmt, err);
	out->p = pool_memdup(pool, p, n);
	out->n = n;
	if (!rows_is_integer(field))
		return 0;
	if (p[0] != '-') {
		uint64_t number;

		if (!num_parse_u64(p, n, UINT64_MAX, &number))
			return rows_too_big(conn, stmt, err);
		out->i = (int64_t)number;
		return 0;
	}
	return num_parse_range(out->p, INT64_MIN, -1, &out->i)
	    ? 0
	    : rows_too_big(conn, stmt, err);
}

static int
copy_rows(struct conn *conn, unsigned stmt, struct pool *pool,
    MYSQL_RES *result, struct db_rows *out, struct err *err)
{
	const MYSQL_FIELD *fields = mysql_fetch_fields(result);
	size_t size = 0;
	MYSQL_ROW row;

	*out = (struct db_rows){ .columns = mysql_num_fields(result) };
	if (mysql_num_rows(result) > ROWS_MAX)
		return rows_too_big(conn, stmt, err);
	while ((row = mysql_fetch_row(result)) != NULL) {
		const unsigned long *lengths = mysql_fetch_lengths(result);
		struct db_cell *cells = rows_add(out, &size, pool);

		for (size_t i = 0; i < out->columns; i++) {
			int rc = put_cell(conn, stmt, pool, &fields[i], row[i],
			    lengths[i], &cells[i], err);

			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

/* the answers, up to the first that is an error; *done_out counts the good */
static int
read_answers(struct conn *conn, size_t *done_out, struct err *err)
{
	const struct batch *batch = &conn->batch;

	for (size_t i = 0; i < batch->count; i++) {
		const struct batch_item *item = &batch->items[i];

		if (i > 0 && mysql_next_result(conn->mysql) != 0)
			return fail(conn, i, err);
		/* only the last one may be a SELECT: see batch_rows() */
		ASSERT(mysql_field_count(conn->mysql) == 0 ||
		    i == batch->count - 1);
		if (item->affected_out != NULL)
			*item->affected_out = mysql_affected_rows(conn->mysql);
		*done_out = i + 1;
	}
	return 0;
}

int
batch_send(struct conn *conn, size_t *done_out, struct err *err)
{
	struct batch *batch = &conn->batch;

	ASSERT(batch->count > 0 && !str_is_full(&batch->text));
	*done_out = 0;
	if (mysql_real_query(conn->mysql, batch->text.p, batch->text.len) != 0)
		return fail(conn, 0, err);
	return read_answers(conn, done_out, err);
}

int
batch_rows(struct conn *conn, unsigned stmt, struct pool *pool,
    struct db_rows *rows_out, struct err *err)
{
	MYSQL_RES *result = mysql_store_result(conn->mysql);
	int rc;

	if (result == NULL)
		return fail(conn, conn->batch.count - 1, err);
	rc = copy_rows(conn, stmt, pool, result, rows_out, err);
	mysql_free_result(result);
	return rc;
}
