/* A connection for administration: text is run as it is. */
#include "common/base/base.h"
#include "common/db/db_private.h"

#include "common/base/err.h"
#include "common/base/mem.h"
#include "common/base/pool.h"

struct db_admin {
	struct db *db;
	struct conn *conn;
	unsigned number;
};

int
db_admin_open(struct db_admin **out, const struct db_options *options,
    struct err *err)
{
	struct db_options plain = *options;
	struct db_admin *admin = mem_new(sizeof(*admin));
	int rc;

	plain.stmts = NULL;
	plain.stmt_count = 0;
	plain.connections = 1;
	admin->db = db_new(&plain);
	rc = conn_take(admin->db, &admin->conn, err);
	if (rc < 0) {
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
		conn_give((*admin)->conn, true);
	db_free(&(*admin)->db);
	mem_free(admin);
}

static int
fault(struct db_admin *admin, struct err *err)
{
	MYSQL *mysql = admin->conn->mysql;

	admin->number = mysql_errno(mysql);
	number_to_err(admin->number, mysql_error(mysql), err);
	/* an administrator may see what the server says */
	if (err->code == E_INTERNAL)
		snprintf(err->text, sizeof(err->text), "the database says: %s",
		    mysql_error(mysql));
	return err->code;
}

static int
run_one(struct db_admin *admin, const char *p, size_t n, struct err *err)
{
	MYSQL *mysql = admin->conn->mysql;

	if (mysql_real_query(mysql, p, n) != 0)
		return fault(admin, err);
	mysql_free_result(mysql_store_result(mysql));
	return mysql_errno(mysql) != 0 ? fault(admin, err) : 0;
}

int
db_admin_run(struct db_admin *admin, const char *text, struct err *err)
{
	admin->number = 0;
	while (text[strspn(text, " \t\n")] != '\0') {
		const char *end = strstr(text, ";\n");
		size_t n = end != NULL ? (size_t)(end - text) : strlen(text);
		int rc = run_one(admin, text, n, err);

		if (rc < 0)
			return rc;
		text += n + (end != NULL ? 2 : 0);
	}
	return 0;
}

int
db_admin_ask(struct db_admin *admin, struct pool *pool, const char *text,
    const char **value_out, struct err *err)
{
	MYSQL *mysql = admin->conn->mysql;
	MYSQL_RES *result;
	MYSQL_ROW row;

	admin->number = 0;
	*value_out = NULL;
	if (mysql_query(mysql, text) != 0)
		return fault(admin, err);
	result = mysql_store_result(mysql);
	row = result != NULL ? mysql_fetch_row(result) : NULL;
	if (row != NULL && row[0] != NULL)
		*value_out = pool_strdup(pool, row[0]);
	mysql_free_result(result);
	return mysql_errno(mysql) != 0 ? fault(admin, err) : 0;
}

char *
db_admin_quote(struct db_admin *admin, struct pool *pool, const char *text)
{
	size_t n = strlen(text);
	char *quoted = pool_alloc(pool, 2 * n + 3);
	unsigned long length;

	quoted[0] = '\'';
	length = mysql_real_escape_string(
	    admin->conn->mysql, quoted + 1, text, n);
	quoted[1 + length] = '\'';
	return quoted;
}

unsigned
db_admin_errno(const struct db_admin *admin)
{
	return admin->number;
}
