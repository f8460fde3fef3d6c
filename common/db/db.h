/*
 * The database: a pool of connections for one process, statements that are
 * known before the start, and transactions that are run again when the
 * cluster says so. The only user of the MySQL client library. The rules come
 * from measurements of Galera (ARCHITECTURE.md, "Database").
 *
 * All SQL text lives in schema/query; statements are named by number. A
 * connection is taken for one statement or one transaction and given back; a
 * thread that streams a body holds none.
 *
 * Errors: E_BUSY when no server answers, none is ready, or the pool stays
 * empty (the caller says 503 and Retry-After); E_EXISTS for a duplicate key;
 * E_CONFLICT for a foreign key that refuses (1451, 1452); E_UNCERTAIN;
 * E_INTERNAL for the rest.
 */
#ifndef COMMON_DB_DB_H
#define COMMON_DB_DB_H

#include "common/base/rand.h"

struct err;
struct pool;

/* One statement of schema/query, made by build-aux/gen-stmts.awk. */
struct db_stmt_text {
	const char *name;
	const char *text;
	unsigned params; /* number of "?" */
};

struct db_options {
	const char *hosts; /* as database.hosts: local node first */
	const char *database;
	const char *user;
	const char *password;
	const char *ca_file; /* "" or NULL: no TLS */
	unsigned connections;
	unsigned wait_ms;
	unsigned lookup_wait_ms; /* see db_lookup(); 0: 20 */
	bool sync_wait; /* read what any node committed before */
	const struct db_stmt_text *stmts;
	size_t stmt_count;
};

struct db;    /* the pool; shared by the threads of a process */
struct db_tx; /* a transaction; belongs to one thread */

/* Never connects by itself. Free with db_free(). The options are copied. */
struct db *db_new(const struct db_options *options);
void db_free(struct db **db);

/*
 * A value for a "?" of a statement. Build with the functions below; bytes
 * and text are borrowed until the call returns.
 */
enum db_type { DB_NULL, DB_INT, DB_UINT, DB_BYTES };

struct db_value {
	enum db_type type;
	union {
		int64_t i;
		uint64_t u;
		const void *p;
	};
	size_t n;
};

static inline struct db_value
db_null(void)
{
	return (struct db_value){ .type = DB_NULL };
}

static inline struct db_value
db_int(int64_t i)
{
	return (struct db_value){ .type = DB_INT, .i = i };
}

static inline struct db_value
db_uint(uint64_t u)
{
	return (struct db_value){ .type = DB_UINT, .u = u };
}

/* NULL becomes SQL's NULL. */
static inline struct db_value
db_bytes(const void *p, size_t n)
{
	return p == NULL ? db_null()
			 : (struct db_value){ .type = DB_BYTES, .p = p,
				   .n = n };
}

static inline struct db_value
db_text(const char *text)
{
	return text == NULL ? db_null() : db_bytes(text, strlen(text));
}

static inline struct db_value
db_id(const struct rand_id *id)
{
	return id == NULL ? db_null() : db_bytes(id->bytes, RAND_ID_SIZE);
}

/* A result: count rows of columns cells each, all in the caller's pool. */
struct db_cell {
	const char *p; /* NULL: SQL's NULL; else n bytes and a NUL */
	size_t n;
	int64_t i; /* of integer columns */
};

struct db_rows {
	size_t count;
	size_t columns;
	struct db_cell *cells;
};

static inline const struct db_cell *
db_cell(const struct db_rows *rows, size_t row, size_t column)
{
	ASSERT(row < rows->count && column < rows->columns);
	return &rows->cells[row * rows->columns + column];
}

/* An id column; it must not be NULL. */
struct rand_id db_cell_id(
    const struct db_rows *rows, size_t row, size_t column);

#define DB_ARGS_(...) \
	(const struct db_value[]){ __VA_ARGS__ }, \
	    sizeof((const struct db_value[]){ __VA_ARGS__ }) / \
		sizeof(struct db_value)

/*
 * Runs one SELECT outside a transaction and reads all its rows (every
 * statement has a LIMIT or a unique key). Run again on another connection
 * when the first is lost. No arguments: pass none.
 *	db_select(db, pool, Q_ACCOUNT_BY_NAME, &rows, err, db_text(name))
 */
#define db_select(db, pool, stmt, rows_out, err, ...) \
	db_select_( \
	    (db), (pool), (stmt), (rows_out), (err), DB_ARGS_(__VA_ARGS__))
int db_select_(struct db *db, struct pool *pool, unsigned stmt,
    struct db_rows *rows_out, struct err *err, const struct db_value *args,
    size_t arg_count);

/*
 * Reads one row, or none, by a unique key, for what every request asks: while
 * such a lookup runs, those of other threads wait and then go together in one
 * query, which under load costs the server little more than a single one.
 * Everyone is told all that was committed before it asked. Nobody waits long
 * for another's query: after lookup_wait_ms it asks alone.
 *
 * Statement "one" has up to DB_LOOKUP_ARGS arguments; "many" has them
 * DB_LOOKUP_WIDTH times, NULL where there are fewer lookups, and before the
 * columns of "one" the number of the lookup, from 0.
 */
#define DB_LOOKUP_WIDTH 8
#define DB_LOOKUP_ARGS	2

struct db_lookup {
	unsigned one;
	unsigned many;
};

#define db_lookup(db, pool, lookup, row_out, err, ...) \
	db_lookup_( \
	    (db), (pool), (lookup), (row_out), (err), DB_ARGS_(__VA_ARGS__))
int db_lookup_(struct db *db, struct pool *pool,
    const struct db_lookup *lookup, struct db_rows *row_out, struct err *err,
    const struct db_value *args, size_t arg_count);

/*
 * Runs fn inside a transaction (READ COMMITTED) and commits it if fn returns
 * 0; otherwise rolls back and returns fn's code. The WHOLE fn is run again,
 * after a short random pause, when the database says so: errors 1213, 1205,
 * 1020, 1047, 1180, 1927, 2006, 2013. So fn touches nothing but tx and its
 * own results, and makes no ids: those are made before. After any error of a
 * statement the transaction is dead: further calls fail without reaching the
 * server, since it would run them in a new transaction.
 *
 * A COMMIT whose outcome is unknown is run again as well, which is safe when
 * fn recognises what it did itself: db_tx_is_rerun() tells. When no server
 * answers then, this waits for one, ten seconds in all; E_UNCERTAIN is
 * returned if it never became known.
 *
 * E_EXISTS and E_CONFLICT from fn are returned at once, without another try.
 */
typedef int db_tx_fn(struct db_tx *tx, void *context, struct err *err);
int db_txn(struct db *db, db_tx_fn *fn, void *context, struct err *err);

/* May an earlier run of this function have been committed? */
bool db_tx_is_rerun(const struct db_tx *tx);

#define tx_select(tx, pool, stmt, rows_out, err, ...) \
	tx_select_( \
	    (tx), (pool), (stmt), (rows_out), (err), DB_ARGS_(__VA_ARGS__))
int tx_select_(struct db_tx *tx, struct pool *pool, unsigned stmt,
    struct db_rows *rows_out, struct err *err, const struct db_value *args,
    size_t arg_count);

/*
 * Runs a statement that changes rows; *affected_out (may be NULL) counts the
 * rows really changed: an UPDATE that sets equal values counts 0.
 */
#define tx_exec(tx, stmt, affected_out, err, ...) \
	tx_exec_((tx), (stmt), (affected_out), (err), DB_ARGS_(__VA_ARGS__))
int tx_exec_(struct db_tx *tx, unsigned stmt, uint64_t *affected_out,
    struct err *err, const struct db_value *args, size_t arg_count);

/* Is this a list as options.hosts must be? E_INVALID. */
int db_check_hosts(const char *list, struct err *err);

/*
 * Asks a server whether it serves: connects if needed and runs a real query
 * (on Galera also wsrep_ready). 0, E_BUSY, or E_INTERNAL. For /readyz.
 */
int db_check(struct db *db, struct err *err);

/* How the node of a cluster does, from its own status. */
struct db_cluster {
	bool is_ready; /* it serves */
	int64_t nodes; /* 0: not Galera */
	int64_t receive_queue; /* changes of others, not yet applied here */
};
int db_cluster(struct db *db, struct db_cluster *out, struct err *err);

/*
 * About how many rows a table has, by the statistics of the storage engine:
 * nothing is read for it.
 */
int db_estimate_rows(
    struct db *db, const char *table, int64_t *out, struct err *err);

/* Ends idle connections, e.g. after a fork or before a drain. */
void db_drop_idle(struct db *db);

/*
 * Administration (dtr init, dtr migrate), never responders: a single
 * connection of its own that runs text. Statements in text end with ";" at
 * the end of a line and are run one by one, each again after a deadlock.
 */
struct db_admin;
/* E_DENIED when the server refuses the user. */
int db_admin_open(struct db_admin **out, const struct db_options *options,
    struct err *err);
void db_admin_close(struct db_admin **admin);
int db_admin_run(struct db_admin *admin, const char *text, struct err *err);
/* As above; the first column of the first row, NULL if there is no row. */
int db_admin_ask(struct db_admin *admin, struct pool *pool, const char *text,
    const char **value_out, struct err *err);
/* A text as an SQL string literal with its quotes. */
char *db_admin_quote(
    struct db_admin *admin, struct pool *pool, const char *text);
/* The server's error number of the last failed call, e.g. 1060. */
unsigned db_admin_errno(const struct db_admin *admin);

#endif
