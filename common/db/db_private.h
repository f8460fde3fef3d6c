/* What the files of this folder share (the only users of mysql.h). */
#ifndef COMMON_DB_DB_PRIVATE_H
#define COMMON_DB_DB_PRIVATE_H

#include <mysql.h>
#include <pthread.h>

#include "common/db/db.h"

struct err;

/* One statement as one connection has prepared it. */
struct prepared {
	MYSQL_STMT *stmt;
	MYSQL_BIND *results;
	unsigned columns;
	struct result_cell *cells;
};

struct conn {
	struct db *db;
	MYSQL *mysql;
	struct prepared *prepared; /* one for each statement of the table */
	size_t host;		   /* index into the list */
	bool is_galera;
	int64_t used_us; /* when it was given back */
	struct conn *next;
};

#define HOSTS_MAX 16

struct host {
	char *socket; /* of a unix host */
	char *name;
	unsigned port;
	int64_t bad_until_us;
};

struct db {
	struct db_options options; /* texts are copies */
	struct host hosts[HOSTS_MAX];
	size_t host_count;
	pthread_mutex_t lock;
	pthread_cond_t given_back;
	struct conn *idle;
	unsigned taken;
};

struct db_tx {
	struct conn *conn;
	bool dead;	  /* a statement failed: say nothing more */
	bool lost;	  /* and the connection is of no use */
	bool rerun;	  /* an earlier run may have been committed */
	unsigned failure; /* number of the error that killed it */
};

/* Splits "unix:/path,host:port"; -1 when it is malformed. */
int host_parse_list(const char *text, struct host hosts[HOSTS_MAX],
    size_t *count_out);
void host_free_list(struct host *hosts, size_t count);

/* Connects and sets the session up; E_BUSY when the host does not serve. */
int conn_open(struct conn **out, struct db *db, size_t host, struct err *err);
void conn_close(struct conn **conn);
/* Does a connection that was idle still serve? */
bool conn_is_good(struct conn *conn);

/* From the pool, and back; broken ones are closed. */
int conn_take(struct db *db, struct conn **out, struct err *err);
void conn_give(struct conn *conn, bool broken);

/*
 * Prepares (once) and runs a statement. rows_out NULL: no rows expected.
 * Fills err and returns its code; *number_out is the server's error number.
 */
int stmt_run(struct conn *conn, struct pool *pool, unsigned stmt,
    const struct db_value *args, size_t arg_count, struct db_rows *rows_out,
    uint64_t *affected_out, unsigned *number_out, struct err *err);
void stmt_close_all(struct conn *conn);

/* Is the connection of no use after this error? */
bool number_is_lost(unsigned number);
/* Should the whole transaction be run again? */
bool number_is_retry(unsigned number);
/* Fills err from an error number and the server's text. */
int number_to_err(unsigned number, const char *text, struct err *err);

#endif
