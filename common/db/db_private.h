/* What the files of this folder share (the only users of mysql.h). */
#ifndef COMMON_DB_DB_PRIVATE_H
#define COMMON_DB_DB_PRIVATE_H

#include <mysql.h>
#include <pthread.h>
#include <stdatomic.h>

#include "common/db/db.h"

struct err;
struct pool;

/* What an error number means for the connection and the transaction. */
enum fault {
	FAULT_NONE,
	FAULT_OTHER, /* the statement is refused, and would be again */
	FAULT_EXISTS, /* duplicate key */
	FAULT_REFERENCE, /* a foreign key refuses */
	FAULT_AGAIN, /* rolled back: run the whole transaction again */
	FAULT_WAITED, /* as AGAIN: it waited in vain, see conn_judge_read() */
	FAULT_LOST, /* as AGAIN; the connection is gone */
	FAULT_NOT_READY, /* as LOST; the server serves nobody for now */
};

/* number.c: fills err from a server's or the library's error number */
enum fault fault_of(unsigned number);
bool fault_is_again(enum fault fault);
int fault_to_err(
    unsigned number, const char *what, const char *message, struct err *err);

#define HOSTS_MAX 16

struct host {
	const char *label; /* as configured */
	const char *socket; /* NULL: TCP */
	const char *name;
	unsigned port;
	int64_t bad_until_us; /* 0: good as far as we know */
	int64_t failed_us;
	atomic_bool no_sync_wait; /* it does not know wsrep_sync_wait */
};

struct hosts {
	struct host items[HOSTS_MAX];
	size_t count;
};

#define HOSTS_NONE SIZE_MAX

/* Splits "unix:/path,host:port"; texts belong to the pool. */
int hosts_parse(
    struct hosts *out, struct pool *pool, const char *list, struct err *err);

/*
 * The next host to connect to among the first below ones, HOSTS_NONE if
 * there is none; tried has a bit for each one that failed in this search. A
 * host that failed is left alone for some seconds, and then one caller tries
 * it first. When all are bad, one caller at a time may look sooner.
 */
size_t hosts_pick(
    struct hosts *hosts, size_t below, unsigned tried, int64_t now_us);
/* A bit for each one that failed when it was last tried. */
unsigned hosts_bad(const struct hosts *hosts);
void hosts_set_bad(struct hosts *hosts, size_t i, int64_t now_us);
void hosts_set_good(struct hosts *hosts, size_t i);

struct prepared;
struct lookup_queue;

struct conn {
	struct db *db;
	MYSQL *mysql;
	struct prepared **prepared; /* by statement; NULL: not yet */
	size_t host;
	bool is_galera;
	bool is_broken; /* not to be used again */
	enum fault fault; /* of the last call that failed since it was taken */
	int64_t used_us; /* when it was given back */
	pid_t pid; /* whose connection it is */
	struct conn *next; /* idle ones */
};

struct db {
	struct db_options options; /* texts are copies */
	struct pool *memory;
	bool is_admin; /* long statements are normal */
	struct err *hosts_err; /* of a malformed list, else NULL */
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t given_back;
	struct hosts hosts;
	struct conn *idle; /* the last used first */
	unsigned taken;
	pthread_mutex_t lookup_lock; /* of the queues */
	struct lookup_queue *lookups; /* by statement */
};

/* conn.c: one connection; E_BUSY when the host does not serve, E_DENIED when
 * it refuses the user of an administrator's */
int conn_open(struct conn **out, struct db *db, size_t host, struct err *err);
void conn_close(struct conn **conn);
/*
 * Is this Galera, and does it serve? 1, 0, or an error code. If reads wait for
 * what other nodes committed, one waits here.
 */
int conn_is_ready(struct conn *conn, struct err *err);
/*
 * After an error of a read outside a transaction, or at the start of one,
 * where nothing is locked: on Galera FAULT_WAITED becomes FAULT_NOT_READY. The
 * node is too far behind the others, however ready it says that it is.
 */
void conn_judge_read(struct conn *conn);
/* As db_cluster(). */
int conn_cluster(struct conn *conn, struct db_cluster *out, struct err *err);
/* As db_estimate_rows(). */
int conn_estimate_rows(
    struct conn *conn, const char *table, int64_t *out, struct err *err);
/* Runs a text without result. */
int conn_run(struct conn *conn, const char *text, struct err *err);
/* Was a transaction open when the server answered last? */
bool conn_is_in_transaction(const struct conn *conn);
/* Says what went wrong in the last call; returns err's code. */
int conn_fail(struct conn *conn, const char *what, unsigned number,
    const char *message, struct err *err);

/* db.c: so long from now, for conditions of the monotonic clock */
struct timespec until_time(unsigned wait_ms);

/* From the pool, and back; broken ones are closed */
int conn_take(struct db *db, struct conn **out, struct err *err);
void conn_give(struct conn *conn);

/* stmt.c: 1 if it was not prepared before on this connection */
int stmt_prepare(struct conn *conn, unsigned stmt, struct err *err);
/* Prepares (once) and runs; rows_out NULL: no rows expected. */
int stmt_run(struct conn *conn, struct pool *pool, unsigned stmt,
    const struct db_value *args, size_t arg_count, struct db_rows *rows_out,
    uint64_t *affected_out, struct err *err);
void stmt_free_all(struct conn *conn);

/* lookup.c: for db_new() and db_free() */
void lookups_init(struct db *db);
void lookups_free(struct db *db);

#endif
