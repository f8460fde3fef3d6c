/* Connections and their pool. */
#include "common/base/base.h"
#include "common/db/db_private.h"

#include "common/base/err.h"
#include "common/base/mem.h"
#include "common/base/time.h"

#define CONNECT_TIMEOUT_S 2
#define ANSWER_TIMEOUT_S 20
#define BAD_HOST_US (5 * TIME_SECOND)
/* an idle connection is asked whether it serves only after this */
#define TRUST_US TIME_SECOND

static const char session[] =
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', "
    "SESSION time_zone = '+00:00', SESSION innodb_lock_wait_timeout = 5";
static const char isolation[] =
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

static void
init_library(void)
{
	ASSERT(mysql_library_init(0, NULL, NULL) == 0);
}

/* the library keeps memory for each thread that used it */
static pthread_key_t thread_key;

static void
end_thread(void *unused UNUSED)
{
	mysql_thread_end();
}

static void
init_once(void)
{
	init_library();
	pthread_key_create(&thread_key, end_thread);
}

static void
use_library(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	static char used;

	pthread_once(&once, init_once);
	pthread_setspecific(thread_key, &used);
}

static char *
copy(const char *text)
{
	return mem_strdup(text != NULL ? text : "");
}

struct db *
db_new(const struct db_options *options)
{
	struct db *db = mem_new(sizeof(*db));
	pthread_condattr_t attr;

	db->options = *options;
	db->options.hosts = copy(options->hosts);
	db->options.database = copy(options->database);
	db->options.user = copy(options->user);
	db->options.password = copy(options->password);
	db->options.ca_file = copy(options->ca_file);
	/* a malformed list has no hosts: every call says so */
	if (host_parse_list(options->hosts, db->hosts, &db->host_count) < 0)
		db->host_count = 0;
	pthread_mutex_init(&db->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&db->given_back, &attr);
	pthread_condattr_destroy(&attr);
	return db;
}

static void
free_secret(const char **text)
{
	char *p = (char *)(uintptr_t)*text;

	mem_wipe(p, strlen(p));
	free(p);
	*text = NULL;
}

void
db_free(struct db **db)
{
	struct db *d = *db;

	if (d == NULL)
		return;
	db_drop_idle(d);
	host_free_list(d->hosts, d->host_count);
	free_secret(&d->options.hosts);
	free_secret(&d->options.database);
	free_secret(&d->options.user);
	free_secret(&d->options.password);
	free_secret(&d->options.ca_file);
	pthread_cond_destroy(&d->given_back);
	pthread_mutex_destroy(&d->lock);
	mem_free(db);
}

static int
fault(MYSQL *mysql, const char *what, struct err *err)
{
	err_set(err, E_BUSY, "the database does not answer");
	return err_cause(err, "%s: %u: %s", what, mysql_errno(mysql),
	    mysql_error(mysql));
}

/* "ON" or "OFF" of a status variable; NULL if the server has none such */
static bool
has_status(MYSQL *mysql, const char *query, char *value, size_t size)
{
	MYSQL_RES *result;
	MYSQL_ROW row;
	bool found = false;

	if (mysql_query(mysql, query) != 0)
		return false;
	result = mysql_store_result(mysql);
	row = result != NULL ? mysql_fetch_row(result) : NULL;
	if (row != NULL && row[0] != NULL && row[1] != NULL) {
		snprintf(value, size, "%s", row[1]);
		found = true;
	}
	mysql_free_result(result);
	return found;
}

/*
 * A Galera node that lost its cluster accepts connections and SELECT 1, so
 * only its own word counts.
 */
static int
check_galera(struct conn *conn, struct err *err)
{
	char value[32] = "";

	conn->is_galera = has_status(conn->mysql,
	    "SHOW STATUS LIKE 'wsrep_cluster_size'", value, sizeof(value)) &&
	    strcmp(value, "0") != 0;
	if (!conn->is_galera)
		return 0;
	if (!has_status(conn->mysql, "SHOW STATUS LIKE 'wsrep_ready'", value,
		sizeof(value)) ||
	    strcmp(value, "ON") != 0) {
		err_set(err, E_BUSY, "the database node is not ready");
		return err_cause(err, "wsrep_ready is %s", value);
	}
	if (conn->db->options.sync_wait &&
	    mysql_query(conn->mysql, "SET SESSION wsrep_sync_wait = 1") != 0)
		return fault(conn->mysql, "wsrep_sync_wait", err);
	return 0;
}

static int
set_up(struct conn *conn, struct err *err)
{
	if (mysql_set_character_set(conn->mysql, "utf8mb4") != 0 ||
	    mysql_query(conn->mysql, session) != 0 ||
	    mysql_query(conn->mysql, isolation) != 0)
		return fault(conn->mysql, "session", err);
	return check_galera(conn, err);
}

static void
set_options(MYSQL *mysql, const struct db_options *options, bool is_local)
{
	unsigned connect_s = CONNECT_TIMEOUT_S, answer_s = ANSWER_TIMEOUT_S;
	unsigned protocol = is_local ? MYSQL_PROTOCOL_SOCKET
				     : MYSQL_PROTOCOL_TCP;

	mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
	mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &answer_s);
	mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &answer_s);
	mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
	if (!is_local && options->ca_file[0] != '\0') {
		char yes = 1;

		mysql_ssl_set(
		    mysql, NULL, NULL, options->ca_file, NULL, NULL);
		mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
	}
}

int
conn_open(struct conn **out, struct db *db, size_t host, struct err *err)
{
	const struct db_options *o = &db->options;
	const struct host *h = &db->hosts[host];
	struct conn *conn = mem_new(sizeof(*conn));
	int rc = 0;

	use_library();
	conn->db = db;
	conn->host = host;
	conn->mysql = mysql_init(NULL);
	ASSERT(conn->mysql != NULL);
	if (o->stmt_count > 0)
		conn->prepared =
		    mem_array(o->stmt_count, sizeof(*conn->prepared));
	set_options(conn->mysql, o, h->socket != NULL);
	if (mysql_real_connect(conn->mysql, h->name, o->user, o->password,
		o->database[0] != '\0' ? o->database : NULL, h->port,
		h->socket, 0) == NULL)
		rc = fault(conn->mysql, "connect", err);
	if (rc == 0)
		rc = set_up(conn, err);
	if (rc < 0) {
		conn_close(&conn);
		return rc;
	}
	*out = conn;
	return 0;
}

void
conn_close(struct conn **conn)
{
	if (*conn == NULL)
		return;
	stmt_close_all(*conn);
	mysql_close((*conn)->mysql);
	mem_free(&(*conn)->prepared);
	mem_free(conn);
}

bool
conn_is_good(struct conn *conn)
{
	char value[32];

	if (time_monotonic_us() - conn->used_us < TRUST_US)
		return true;
	if (!conn->is_galera)
		return mysql_ping(conn->mysql) == 0;
	return has_status(conn->mysql, "SHOW STATUS LIKE 'wsrep_ready'",
		   value, sizeof(value)) &&
	    strcmp(value, "ON") == 0;
}

/* the first host that serves; those that did not are left alone a while */
static int
open_any(struct db *db, struct conn **out, struct err *err)
{
	if (db->host_count == 0)
		return err_set(err, E_INVALID,
		    "database.hosts \"%s\" is not a list of unix:/path or "
		    "host:port",
		    db->options.hosts);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < db->host_count; i++) {
			struct host *h = &db->hosts[i];
			int64_t bad_until;

			bad_until = __atomic_load_n(
			    &h->bad_until_us, __ATOMIC_RELAXED);
			/* in the second round none was good: try them all */
			if (round == 0 && db->host_count > 1 &&
			    bad_until > time_monotonic_us())
				continue;
			if (conn_open(out, db, i, err) == 0)
				return 0;
			__atomic_store_n(&h->bad_until_us,
			    time_monotonic_us() + BAD_HOST_US,
			    __ATOMIC_RELAXED);
		}
		if (db->host_count == 1)
			break;
	}
	return err->code;
}

/* a free place in the pool, with an idle connection if there is one */
static int
take_place(struct db *db, struct conn **out, struct err *err)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += db->options.wait_ms / 1000;
	until.tv_nsec += (long)(db->options.wait_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	*out = NULL;
	pthread_mutex_lock(&db->lock);
	while (db->taken >= db->options.connections && rc == 0)
		if (pthread_cond_timedwait(
			&db->given_back, &db->lock, &until) == ETIMEDOUT)
			rc = err_set(err, E_BUSY,
			    "all %u database connections are in use",
			    db->options.connections);
	if (rc == 0) {
		db->taken++;
		*out = db->idle;
		if (*out != NULL)
			db->idle = (*out)->next;
	}
	pthread_mutex_unlock(&db->lock);
	return rc;
}

static void
leave_place(struct db *db, struct conn *idle)
{
	pthread_mutex_lock(&db->lock);
	db->taken--;
	if (idle != NULL) {
		idle->next = db->idle;
		db->idle = idle;
	}
	pthread_cond_signal(&db->given_back);
	pthread_mutex_unlock(&db->lock);
}

int
conn_take(struct db *db, struct conn **out, struct err *err)
{
	int rc = take_place(db, out, err);

	if (rc < 0)
		return rc;
	use_library();
	if (*out != NULL && !conn_is_good(*out))
		conn_close(out);
	if (*out == NULL)
		rc = open_any(db, out, err);
	if (rc < 0)
		leave_place(db, NULL);
	return rc;
}

void
conn_give(struct conn *conn, bool broken)
{
	struct db *db = conn->db;

	if (broken) {
		conn_close(&conn);
	} else {
		conn->used_us = time_monotonic_us();
	}
	leave_place(db, conn);
}

int
db_check(struct db *db, struct err *err)
{
	struct conn *conn;
	int rc = conn_take(db, &conn, err);

	if (rc < 0)
		return rc;
	conn->used_us = 0;
	if (!conn_is_good(conn)) {
		rc = err_set(err, E_BUSY, "the database does not answer");
		conn_give(conn, true);
		return rc;
	}
	conn_give(conn, false);
	return 0;
}

void
db_drop_idle(struct db *db)
{
	struct conn *idle;

	pthread_mutex_lock(&db->lock);
	idle = db->idle;
	db->idle = NULL;
	pthread_mutex_unlock(&db->lock);
	while (idle != NULL) {
		struct conn *next = idle->next;

		conn_close(&idle);
		idle = next;
	}
}
