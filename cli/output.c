#include "common/base/base.h"
#include "cli/cli.h"

#include <stdarg.h>

#include "common/base/err.h"
#include "common/base/num.h"
#include "common/base/pool.h"

#define ERROR_MAX 4096

void
cli_say(const struct cli *cli, const char *format, ...)
{
	va_list args;

	if (cli->json)
		return;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	/* steps that take long are seen as they are done */
	fflush(stdout);
}

char *
cli_printable(struct pool *pool, const char *text)
{
	char *copy = pool_strdup(pool, text);

	for (char *p = copy; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	return copy;
}

static void
put_error_json(struct pool *pool, const struct err *err)
{
	struct str out;
	struct jsw w;

	str_init(&out, pool, ERROR_MAX);
	jsw_init(&w, &out);
	jsw_object(&w, NULL);
	jsw_str(&w, "error", err->text);
	jsw_str(
	    &w, "code", cli_is_usage(err) ? err->reason : err_name(err->code));
	if (err->cause[0] != '\0')
		jsw_str(&w, "cause", err->cause);
	jsw_end(&w);
	jsw_done(&w);
	fprintf(stderr, "%s\n", out.p);
}

/* Does the cause ("1045: Access denied") say more than the text? */
static bool
cause_adds(const struct err *err)
{
	const char *said = strstr(err->cause, ": ");

	if (err->cause[0] == '\0')
		return false;
	return strstr(err->text, said != NULL ? said + 2 : err->cause) == NULL;
}

void
cli_put_error(const struct cli *cli, const struct err *err)
{
	struct str line;

	if (cli->json) {
		put_error_json(cli->pool, err);
		return;
	}
	str_init(&line, cli->pool, ERROR_MAX);
	str_puts(&line, "dtr: ");
	if (cli->verb != NULL)
		str_printf(&line, "%s: ", cli->verb->name);
	str_puts(&line, err->text);
	if (cause_adds(err))
		str_printf(&line, " (%s)", err->cause);
	fprintf(stderr, "%s\n", cli_printable(cli->pool, line.p));
}

void
cli_table_begin(struct cli_table *table, struct cli *cli, const char *name,
    const struct cli_column *columns, size_t column_count)
{
	ASSERT(column_count <= CLI_COLUMNS_MAX);
	*table = (struct cli_table){ .cli = cli,
		.name = name,
		.columns = columns,
		.column_count = column_count,
		.rows = VEC_INIT(CLI_ROWS_MAX) };
}

int
cli_table_room(const struct cli_table *table, size_t count, struct err *err)
{
	if (table->rows.count + count <= CLI_ROWS_MAX)
		return 0;
	return err_set(err, E_TOOBIG,
	    "there are more than %d %s, the most that are listed", CLI_ROWS_MAX,
	    table->name);
}

void
cli_table_row(struct cli_table *table, const char *const *cells)
{
	struct pool *pool = table->cli->pool;
	const char **copy =
	    pool_array(pool, table->column_count, sizeof(*copy));

	memcpy(copy, cells, table->column_count * sizeof(*copy));
	ASSERT(VEC_PUSH(&table->rows, pool, copy));
}

static void
put_cell_json(struct jsw *w, const struct cli_column *column, const char *cell)
{
	int64_t number;

	switch (column->type) {
	case CLI_TEXT:
		jsw_str(w, column->name, cell);
		break;
	case CLI_BOOL:
		jsw_bool(w, column->name, strcmp(cell, "yes") == 0);
		break;
	case CLI_NUMBER:
		if (cell == NULL) {
			jsw_str(w, column->name, NULL);
			break;
		}
		ASSERT(num_parse_range(cell, INT64_MIN, INT64_MAX, &number));
		jsw_int(w, column->name, number);
		break;
	}
}

static void
put_table_json(const struct cli_table *table)
{
	struct jsw *w = &table->cli->w;

	jsw_array(w, table->name);
	for (size_t row = 0; row < table->rows.count; row++) {
		jsw_object(w, NULL);
		for (size_t i = 0; i < table->column_count; i++)
			put_cell_json(
			    w, &table->columns[i], table->rows.items[row][i]);
		jsw_end(w);
	}
	jsw_end(w);
}

/* bytes that are not a continuation of a UTF-8 character */
static int
text_width(const char *text)
{
	int width = 0;

	for (; *text != '\0'; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static void
put_line(const char *const *cells, const int *widths, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool last = i + 1 == count;

		fputs(cells[i], stdout);
		if (!last)
			printf("%*s", widths[i] + 2 - text_width(cells[i]), "");
	}
	putchar('\n');
}

static void
put_table_text(const struct cli_table *table)
{
	const char *titles[CLI_COLUMNS_MAX];
	int widths[CLI_COLUMNS_MAX] = { 0 };
	size_t count = table->column_count;

	for (size_t i = 0; i < count; i++) {
		titles[i] = table->columns[i].name;
		widths[i] = text_width(titles[i]);
	}
	for (size_t row = 0; row < table->rows.count; row++)
		for (size_t i = 0; i < count; i++) {
			const char *cell = table->rows.items[row][i];
			int width;

			cell = cell == NULL
			    ? "-"
			    : cli_printable(table->cli->pool, cell);
			table->rows.items[row][i] = cell;
			width = text_width(cell);
			if (width > widths[i])
				widths[i] = width;
		}
	put_line(titles, widths, count);
	for (size_t row = 0; row < table->rows.count; row++)
		put_line(table->rows.items[row], widths, count);
}

void
cli_table_end(struct cli_table *table)
{
	if (table->cli->json)
		put_table_json(table);
	else
		put_table_text(table);
}
