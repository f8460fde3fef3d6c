/* One connection: options, session, is it of use? */
#include "common/base/base.h"
#include "common/db/db_private.h"

#include <fcntl.h>

#include "common/base/err.h"
#include "common/base/mem.h"
#include "common/base/num.h"
#include "common/base/time.h"

#define CONNECT_TIMEOUT_S 2
#define ANSWER_TIMEOUT_S  10
#define ADMIN_TIMEOUT_S   3600
#define LOCK_WAIT_S       5
#define ADMIN_LOCK_WAIT_S 50
#define SESSION_SIZE      512
#define VALUE_SIZE        64
#define TABLE_SIZE        96

/* columns of SHOW STATUS and SHOW VARIABLES, and of SHOW TABLE STATUS */
#define VARIABLE_VALUE 1
#define TABLE_ROWS     4

#define ACCESS_DENIED_DATABASE 1044
#define ACCESS_DENIED          1045
#define ACCESS_DENIED_PLUGIN   1698
#define UNKNOWN_VARIABLE       1193

/* MariaDB's client counts versions from 10.0, MySQL's is below */
#define CLIENT_IS_MARIADB (MYSQL_VERSION_ID >= 100000)
/* from here on MariaDB names the isolation level as MySQL does */
#define MARIADB_NEW_NAMES 110100

int
conn_fail(struct conn *conn, const char *what, unsigned number,
    const char *message, struct err *err)
{
	conn->fault = fault_of(number);
	if (conn->fault == FAULT_LOST || conn->fault == FAULT_NOT_READY)
		conn->is_broken = true;
	return fault_to_err(number, what, message, err);
}

static int
text_fail(struct conn *conn, const char *what, struct err *err)
{
	return conn_fail(conn, what, mysql_errno(conn->mysql),
	    mysql_error(conn->mysql), err);
}

int
conn_run(struct conn *conn, const char *text, struct err *err)
{
	if (mysql_real_query(conn->mysql, text, strlen(text)) != 0)
		return text_fail(conn, text, err);
	return 0;
}

bool
conn_is_in_transaction(const struct conn *conn)
{
	return (conn->mysql->server_status & SERVER_STATUS_IN_TRANS) != 0;
}

/* A column of the first row: 1, 0 when there is none, or an error. */
static int
ask_column(struct conn *conn, const char *text, unsigned column,
    char value[VALUE_SIZE], struct err *err)
{
	MYSQL_RES *result;
	MYSQL_ROW row;
	bool found;

	value[0] = '\0';
	if (conn_run(conn, text, err) < 0)
		return err->code;
	result = mysql_store_result(conn->mysql);
	if (result == NULL)
		return text_fail(conn, text, err);
	row = mysql_fetch_row(result);
	found = row != NULL && mysql_num_fields(result) > column &&
	    row[column] != NULL;
	if (found)
		snprintf(value, VALUE_SIZE, "%s", row[column]);
	mysql_free_result(result);
	return found;
}

static int
ask_variable(struct conn *conn, const char *text, bool *is_on, struct err *err)
{
	char value[VALUE_SIZE];
	int rc = ask_column(conn, text, VARIABLE_VALUE, value, err);

	*is_on = strcmp(value, "ON") == 0;
	return rc;
}

/* 0 if there is no such name */
static int
ask_number(struct conn *conn, const char *text, unsigned column, int64_t *out,
    struct err *err)
{
	char value[VALUE_SIZE];
	int rc = ask_column(conn, text, column, value, err);

	if (rc != 1 || !num_parse_range(value, 0, INT64_MAX, out))
		*out = 0;
	return rc < 0 ? rc : 0;
}

void
conn_judge_read(struct conn *conn)
{
	if (conn->fault != FAULT_WAITED || !conn->is_galera)
		return;
	conn->fault = FAULT_NOT_READY;
	conn->is_broken = true;
}

/* SHOW does not wait for other nodes, SELECT does. */
static int
wait_for_others(struct conn *conn, struct err *err)
{
	MYSQL_RES *result;

	if (!conn->db->options.sync_wait)
		return 0;
	if (conn_run(conn, "SELECT 1", err) < 0)
		return err->code;
	result = mysql_store_result(conn->mysql);
	if (result == NULL)
		return text_fail(conn, "SELECT 1", err);
	mysql_free_result(result);
	return 0;
}

int
conn_is_ready(struct conn *conn, struct err *err)
{
	bool is_on = false;
	int rc =
	    ask_variable(conn, "SHOW STATUS LIKE 'wsrep_ready'", &is_on, err);

	if (rc < 0)
		return rc;
	if (is_on || rc == 0) {
		conn->is_galera = is_on;
		if (is_on)
			rc = wait_for_others(conn, err);
		return rc < 0 ? rc : 1;
	}
	/* OFF as well where Galera is compiled in and not used */
	rc = ask_variable(conn, "SHOW VARIABLES LIKE 'wsrep_on'", &is_on, err);
	if (rc < 0)
		return rc;
	conn->is_galera = is_on;
	return is_on ? 0 : 1;
}

int
conn_cluster(struct conn *conn, struct db_cluster *out, struct err *err)
{
	int rc = conn_is_ready(conn, err);

	*out = (struct db_cluster){ .is_ready = rc == 1 };
	if (rc < 0 || !conn->is_galera)
		return rc < 0 ? rc : 0;
	rc = ask_number(conn, "SHOW STATUS LIKE 'wsrep_cluster_size'",
	    VARIABLE_VALUE, &out->nodes, err);
	if (rc == 0)
		rc = ask_number(conn,
		    "SHOW STATUS LIKE 'wsrep_local_recv_queue'", VARIABLE_VALUE,
		    &out->receive_queue, err);
	return rc;
}

int
conn_estimate_rows(
    struct conn *conn, const char *table, int64_t *out, struct err *err)
{
	char text[TABLE_SIZE];

	snprintf(text, sizeof(text), "SHOW TABLE STATUS LIKE '%.64s'", table);
	return ask_number(conn, text, TABLE_ROWS, out, err);
}

static bool
has_old_names(MYSQL *mysql)
{
	return strstr(mysql_get_server_info(mysql), "MariaDB") != NULL &&
	    mysql_get_server_version(mysql) < MARIADB_NEW_NAMES;
}

/* All in one statement: a round trip for each would be felt far away. */
static int
set_session(struct conn *conn, bool sync_wait, struct err *err)
{
	char text[SESSION_SIZE];

	snprintf(text, sizeof(text),
	    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,"
	    "NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',"
	    " SESSION collation_connection = 'utf8mb4_bin',"
	    " SESSION time_zone = '+00:00', SESSION autocommit = 1,"
	    " SESSION innodb_lock_wait_timeout = %d,"
	    " SESSION %s = 'READ-COMMITTED'%s",
	    conn->db->is_admin ? ADMIN_LOCK_WAIT_S : LOCK_WAIT_S,
	    has_old_names(conn->mysql) ? "tx_isolation"
				       : "transaction_isolation",
	    sync_wait ? ", SESSION wsrep_sync_wait = 1" : "");
	return conn_run(conn, text, err);
}

static int
set_up(struct conn *conn, struct err *err)
{
	struct host *host = &conn->db->hosts.items[conn->host];
	bool sync_wait = conn->db->options.sync_wait &&
	    !atomic_load_explicit(&host->no_sync_wait, memory_order_relaxed);
	int rc = set_session(conn, sync_wait, err);

	if (rc < 0 && sync_wait &&
	    mysql_errno(conn->mysql) == UNKNOWN_VARIABLE) {
		atomic_store_explicit(
		    &host->no_sync_wait, true, memory_order_relaxed);
		rc = set_session(conn, false, err);
	}
	if (rc < 0)
		return rc;
	rc = conn_is_ready(conn, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	err_set(err, E_BUSY, "the database node is not ready, try again");
	return err_cause(err, "%s: wsrep_ready is OFF", host->label);
}

static void
set_tls(MYSQL *mysql, const char *ca_file)
{
	mysql_options(mysql, MYSQL_OPT_SSL_CA, ca_file);
#if CLIENT_IS_MARIADB
	char yes = 1;

	mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &yes);
	mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
#else
	unsigned mode = SSL_MODE_VERIFY_IDENTITY;

	mysql_options(mysql, MYSQL_OPT_SSL_MODE, &mode);
#endif
}

static bool
wants_tls(const struct db *db, const struct host *host)
{
	return host->socket == NULL && db->options.ca_file != NULL;
}

static void
set_options(MYSQL *mysql, const struct db *db, const struct host *host)
{
	unsigned connect_s = CONNECT_TIMEOUT_S, local_infile = 0;
	unsigned answer_s = db->is_admin ? ADMIN_TIMEOUT_S : ANSWER_TIMEOUT_S;
	/* else the library turns "localhost" into a socket of its choice */
	unsigned protocol =
	    host->socket != NULL ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;

	mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
	mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &answer_s);
	mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &answer_s);
	mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
	mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &local_infile);
	mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	if (wants_tls(db, host))
		set_tls(mysql, db->options.ca_file);
}

static int
connect_fail(struct conn *conn, const struct host *host, struct err *err)
{
	unsigned number = mysql_errno(conn->mysql);

	if (number == ACCESS_DENIED || number == ACCESS_DENIED_PLUGIN ||
	    number == ACCESS_DENIED_DATABASE)
		err_set(err, E_DENIED,
		    "the database refuses the user \"%.64s\"",
		    conn->db->options.user);
	else
		err_set(err, E_BUSY, "the database does not answer, try again");
	conn->is_broken = true;
	return err_cause(err, "%.100s: %u: %.250s", host->label, number,
	    mysql_error(conn->mysql));
}

static int
connect_to(struct conn *conn, const struct host *host, struct err *err)
{
	const struct db_options *o = &conn->db->options;

	set_options(conn->mysql, conn->db, host);
	if (mysql_real_connect(conn->mysql, host->name, o->user, o->password,
		o->database, host->port, host->socket, 0) == NULL)
		return connect_fail(conn, host, err);
	/* whatever the library made of its options */
	if (wants_tls(conn->db, host) &&
	    mysql_get_ssl_cipher(conn->mysql) == NULL) {
		err_set(err, E_BUSY, "the database does not speak TLS");
		return err_cause(err, "%s", host->label);
	}
	return set_up(conn, err);
}

int
conn_open(struct conn **out, struct db *db, size_t host, struct err *err)
{
	struct conn *conn = mem_new(sizeof(*conn));
	int rc;

	conn->db = db;
	conn->host = host;
	conn->pid = getpid();
	conn->mysql = mysql_init(NULL);
	ASSERT(conn->mysql != NULL);
	if (db->options.stmt_count > 0)
		conn->prepared =
		    mem_array(db->options.stmt_count, sizeof(*conn->prepared));
	rc = connect_to(conn, &db->hosts.items[host], err);
	if (rc < 0) {
		conn_close(&conn);
		/* to its user each host that cannot be used is the same; an
		 * administrator is told when it is the user */
		if (!db->is_admin || rc != E_DENIED)
			err->code = E_BUSY;
		return err->code;
	}
	*out = conn;
	return 0;
}

/*
 * A connection that came over a fork is the parent's: the words of goodbye
 * must not reach the server.
 */
static void
detach(struct conn *conn)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	dup3(null, conn->mysql->net.fd, O_CLOEXEC);
	close(null);
}

void
conn_close(struct conn **conn)
{
	if (*conn == NULL)
		return;
	if ((*conn)->pid != getpid())
		detach(*conn);
	stmt_free_all(*conn);
	mysql_close((*conn)->mysql);
	mem_free(&(*conn)->prepared);
	mem_free(conn);
}
