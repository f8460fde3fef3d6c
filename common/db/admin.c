/* A connection for administration: text is run as it is. */
#include "common/base/base.h"
#include "common/db/db_private.h"

#include "common/base/err.h"
#include "common/base/mem.h"
#include "common/base/pool.h"
#include "common/base/time.h"

#define DEADLOCK 1213
#define TRIES    8
#define PAUSE_US 50000

struct db_admin {
	struct db *db;
	struct conn *conn;
	unsigned number;
};

int
db_admin_open(
    struct db_admin **out, const struct db_options *options, struct err *err)
{
	struct db_options plain = *options;
	struct db_admin *admin = mem_new(sizeof(*admin));
	int rc;

	plain.stmts = NULL;
	plain.stmt_count = 0;
	plain.connections = 1;
	admin->db = db_new(&plain);
	admin->db->is_admin = true;
	rc = conn_take(admin->db, &admin->conn, err);
	if (rc < 0) {
		admin->conn = NULL;
		db_admin_close(&admin);
		return rc;
	}
	*out = admin;
	return 0;
}

void
db_admin_close(struct db_admin **admin)
{
	if (*admin == NULL)
		return;
	if ((*admin)->conn != NULL)
		conn_give((*admin)->conn);
	db_free(&(*admin)->db);
	mem_free(admin);
}

static int
fail(struct db_admin *admin, struct err *err)
{
	MYSQL *mysql = admin->conn->mysql;

	admin->number = mysql_errno(mysql);
	conn_fail(admin->conn, "admin", admin->number, mysql_error(mysql), err);
	/* an administrator may see what the server says */
	if (err->code == E_INTERNAL)
		snprintf(err->text, sizeof(err->text), "the database says: %s",
		    mysql_error(mysql));
	return err->code;
}

static int
run_once(struct db_admin *admin, const char *p, size_t n,
    MYSQL_RES **result_out, struct err *err)
{
	MYSQL *mysql = admin->conn->mysql;

	if (mysql_real_query(mysql, p, n) != 0)
		return fail(admin, err);
	*result_out = mysql_store_result(mysql);
	/* an error while rows come is told by the number alone */
	if (*result_out == NULL && mysql_errno(mysql) != 0)
		return fail(admin, err);
	return 0;
}

/* A statement is a transaction of its own, so it may be run again; in a
 * cluster also what only reads can be the victim of another node's DDL. */
static int
run_one(struct db_admin *admin, const char *p, size_t n, MYSQL_RES **result_out,
    struct err *err)
{
	for (int tries = 1;; tries++) {
		int rc;

		admin->number = 0;
		rc = run_once(admin, p, n, result_out, err);
		if (rc == 0 || admin->number != DEADLOCK || tries == TRIES)
			return rc;
		err_clear(err);
		time_sleep_us(PAUSE_US);
	}
}

/* Blanks, empty lines and comment lines. */
static const char *
skip_nothing(const char *text)
{
	for (;;) {
		text += strspn(text, " \t\r\n");
		if (strncmp(text, "--", 2) != 0)
			return text;
		text += strcspn(text, "\n");
	}
}

/* The length of the statement at text, without the ";" that ends its line. */
static size_t
statement_length(const char *text, const char **next_out)
{
	const char *end = text;

	while ((end = strchr(end, ';')) != NULL) {
		const char *rest = end + 1 + strspn(end + 1, " \t\r");

		if (*rest == '\n' || *rest == '\0') {
			*next_out = rest;
			return (size_t)(end - text);
		}
		end++;
	}
	*next_out = text + strlen(text);
	return strlen(text);
}

int
db_admin_run(struct db_admin *admin, const char *text, struct err *err)
{
	admin->number = 0;
	for (text = skip_nothing(text); *text != '\0';) {
		const char *next;
		size_t n = statement_length(text, &next);
		MYSQL_RES *result;
		int rc = run_one(admin, text, n, &result, err);

		if (rc < 0)
			return rc;
		mysql_free_result(result);
		text = skip_nothing(next);
	}
	return 0;
}

int
db_admin_ask(struct db_admin *admin, struct pool *pool, const char *text,
    const char **value_out, struct err *err)
{
	MYSQL_RES *result;
	MYSQL_ROW row;
	int rc;

	*value_out = NULL;
	rc = run_one(admin, text, strlen(text), &result, err);
	if (rc < 0 || result == NULL)
		return rc;
	row = mysql_fetch_row(result);
	if (row != NULL && row[0] != NULL)
		*value_out = pool_strdup(pool, row[0]);
	mysql_free_result(result);
	return 0;
}

char *
db_admin_quote(struct db_admin *admin, struct pool *pool, const char *text)
{
	size_t n = strlen(text);
	char *quoted = pool_alloc(pool, 2 * n + 3);
	unsigned long length;

	quoted[0] = '\'';
	length =
	    mysql_real_escape_string(admin->conn->mysql, quoted + 1, text, n);
	ASSERT(length <= 2 * n);
	quoted[1 + length] = '\'';
	return quoted;
}

unsigned
db_admin_errno(const struct db_admin *admin)
{
	return admin->number;
}
