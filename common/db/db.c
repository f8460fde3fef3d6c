/* The pool of connections. */
#include "common/base/base.h"
#include "common/db/db_private.h"

#include "common/base/err.h"
#include "common/base/mem.h"
#include "common/base/pool.h"
#include "common/base/time.h"

#define OPTIONS_MAX ((size_t)64 << 10)
/* a Galera connection idle for longer is asked whether its node serves */
#define TRUST_US TIME_SECOND
#define LOOKUP_WAIT_MS 20

/* the library keeps memory for each thread that used it */
static pthread_key_t db_thread_key;
static _Thread_local bool db_thread_known;

static void
end_thread(void *unused UNUSED)
{
	mysql_thread_end();
}

static void
start_library(void)
{
	ASSERT(mysql_library_init(0, NULL, NULL) == 0);
	ASSERT(pthread_key_create(&db_thread_key, end_thread) == 0);
}

static void
start_thread(void)
{
	if (db_thread_known)
		return;
	mysql_thread_init();
	/* any value but NULL has the destructor called */
	pthread_setspecific(db_thread_key, &db_thread_known);
	db_thread_known = true;
}

/* What the library takes as "not given" is NULL. */
static const char *
copy(struct pool *pool, const char *text)
{
	return text == NULL || text[0] == '\0' ? NULL : pool_strdup(pool, text);
}

static void
copy_options(struct db *db, const struct db_options *options)
{
	struct err err = ERR_INIT;
	struct db_options *o = &db->options;

	*o = *options;
	o->hosts = NULL;
	o->database = copy(db->memory, options->database);
	o->user = copy(db->memory, options->user);
	o->ca_file = copy(db->memory, options->ca_file);
	if (o->lookup_wait_ms == 0)
		o->lookup_wait_ms = LOOKUP_WAIT_MS;
	o->password = NULL;
	if (options->password != NULL) {
		size_t n = strlen(options->password);
		char *password = pool_secret(db->memory, n + 1);

		memcpy(password, options->password, n);
		o->password = password;
	}
	/* nobody hears of it now: every call says it */
	if (hosts_parse(&db->hosts, db->memory,
		options->hosts != NULL ? options->hosts : "", &err) < 0)
		db->hosts_err = pool_memdup(db->memory, &err, sizeof(err));
}

struct db *
db_new(const struct db_options *options)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct db *db = mem_new(sizeof(*db));
	pthread_condattr_t attr;

	pthread_once(&once, start_library);
	db->memory = pool_new(OPTIONS_MAX);
	copy_options(db, options);
	ASSERT(db->options.connections > 0);
	pthread_mutex_init(&db->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&db->given_back, &attr);
	pthread_condattr_destroy(&attr);
	lookups_init(db);
	return db;
}

void
db_free(struct db **db)
{
	if (*db == NULL)
		return;
	ASSERT((*db)->taken == 0);
	db_drop_idle(*db);
	lookups_free(*db);
	pthread_cond_destroy(&(*db)->given_back);
	pthread_mutex_destroy(&(*db)->lock);
	pool_free(&(*db)->memory);
	mem_free(db);
}

static int
no_server(struct err *err)
{
	if (err->code == 0)
		err_set(err, E_BUSY, "no database server answers, try again");
	return err->code;
}

/* From the first of the first below hosts that serves. */
static int
open_any(struct db *db, size_t below, struct conn **out, struct err *err)
{
	int64_t until =
	    time_monotonic_us() + (int64_t)db->options.wait_ms * 1000;
	unsigned tried = 0;

	err_clear(err);
	for (;;) {
		int64_t now = time_monotonic_us();
		size_t host;
		int rc;

		pthread_mutex_lock(&db->lock);
		/* one that kept silent leaves no time to try others that may
		 * be as bad; those that were good must not suffer from it */
		if (tried != 0 && now >= until)
			tried |= hosts_bad(&db->hosts);
		host = hosts_pick(&db->hosts, below, tried, now);
		pthread_mutex_unlock(&db->lock);
		if (host == HOSTS_NONE)
			return no_server(err);
		rc = conn_open(out, db, host, err);
		pthread_mutex_lock(&db->lock);
		if (rc == 0)
			hosts_set_good(&db->hosts, host);
		else
			hosts_set_bad(&db->hosts, host, time_monotonic_us());
		pthread_mutex_unlock(&db->lock);
		if (rc == 0)
			return 0;
		tried |= 1U << host;
	}
}

struct timespec
until_time(unsigned wait_ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	return until;
}

/* The lock is held. */
static int
wait_for_place(struct db *db, struct err *err)
{
	struct timespec until = until_time(db->options.wait_ms);

	while (db->taken >= db->options.connections)
		if (pthread_cond_timedwait(
			&db->given_back, &db->lock, &until) == ETIMEDOUT &&
		    db->taken >= db->options.connections) {
			err_set(err, E_BUSY, "the database is busy, try again");
			return err_cause(err, "all %u connections are in use",
			    db->options.connections);
		}
	return 0;
}

static struct conn *
pop_idle(struct db *db)
{
	struct conn *conn = db->idle;

	if (conn != NULL)
		db->idle = conn->next;
	return conn;
}

/* A place in the pool, with an idle connection if there is one. */
static int
take_place(struct db *db, struct conn **out, struct err *err)
{
	int rc = 0;

	pthread_mutex_lock(&db->lock);
	if (db->taken >= db->options.connections)
		rc = wait_for_place(db, err);
	if (rc == 0) {
		db->taken++;
		*out = pop_idle(db);
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

static void
close_list(struct conn *list)
{
	while (list != NULL) {
		struct conn *next = list->next;

		conn_close(&list);
		list = next;
	}
}

/* One lost connection to a server speaks for all that idled meanwhile. */
static void
drop_idle_of(struct db *db, size_t host, bool not_ready)
{
	struct conn *list = NULL;
	struct conn **at = &db->idle;

	pthread_mutex_lock(&db->lock);
	if (not_ready)
		hosts_set_bad(&db->hosts, host, time_monotonic_us());
	while (*at != NULL) {
		struct conn *conn = *at;

		if (conn->host != host) {
			at = &conn->next;
			continue;
		}
		*at = conn->next;
		conn->next = list;
		list = conn;
	}
	pthread_mutex_unlock(&db->lock);
	close_list(list);
}

static bool
still_serves(struct conn *conn)
{
	struct err ignored = ERR_INIT;

	if (!conn->is_galera || time_monotonic_us() - conn->used_us < TRUST_US)
		return true;
	if (conn_is_ready(conn, &ignored) == 1)
		return true;
	/* one that is lost may only have been idle for too long */
	drop_idle_of(conn->db, conn->host, conn->fault != FAULT_LOST);
	return false;
}

/* Back to a better host as soon as it serves again. */
static void
prefer_better(struct conn **conn)
{
	struct err ignored = ERR_INIT;
	struct conn *better;

	if (open_any((*conn)->db, (*conn)->host, &better, &ignored) < 0)
		return;
	conn_close(conn);
	*conn = better;
}

int
conn_take(struct db *db, struct conn **out, struct err *err)
{
	int rc;

	if (db->hosts_err != NULL) {
		err_set(err, E_INTERNAL, "%s", db->hosts_err->text);
		return err->code;
	}
	start_thread();
	rc = take_place(db, out, err);
	if (rc < 0)
		return rc;
	while (*out != NULL && !still_serves(*out)) {
		conn_close(out);
		pthread_mutex_lock(&db->lock);
		*out = pop_idle(db);
		pthread_mutex_unlock(&db->lock);
	}
	if (*out == NULL)
		rc = open_any(db, db->hosts.count, out, err);
	else if ((*out)->host > 0)
		prefer_better(out);
	if (rc < 0) {
		leave_place(db, NULL);
		return rc;
	}
	(*out)->fault = FAULT_NONE;
	return 0;
}

void
conn_give(struct conn *conn)
{
	struct db *db = conn->db;

	if (!conn->is_broken) {
		if (conn->is_galera)
			conn->used_us = time_monotonic_us();
		leave_place(db, conn);
		return;
	}
	if (conn->fault == FAULT_LOST || conn->fault == FAULT_NOT_READY)
		drop_idle_of(db, conn->host, conn->fault == FAULT_NOT_READY);
	conn_close(&conn);
	leave_place(db, NULL);
}

static int
check_once(struct db *db, enum fault *fault_out, struct err *err)
{
	struct conn *conn;
	int ready;
	int rc = conn_take(db, &conn, err);

	*fault_out = FAULT_NONE;
	if (rc < 0)
		return rc;
	ready = conn_is_ready(conn, err);
	if (ready == 0) {
		conn->fault = FAULT_NOT_READY;
		conn->is_broken = true;
		rc = err_set(
		    err, E_BUSY, "the database node is not ready, try again");
	} else if (ready < 0) {
		conn_judge_read(conn);
		rc = ready;
	}
	*fault_out = conn->fault;
	conn_give(conn);
	return rc;
}

int
db_check(struct db *db, struct err *err)
{
	enum fault fault;
	int rc = check_once(db, &fault, err);

	/* an idle connection may have died of old age */
	if (rc < 0 && fault == FAULT_LOST)
		rc = check_once(db, &fault, err);
	return rc < 0 && rc != E_INTERNAL ? E_BUSY : rc;
}

int
db_cluster(struct db *db, struct db_cluster *out, struct err *err)
{
	struct conn *conn;
	int rc = conn_take(db, &conn, err);

	*out = (struct db_cluster){ .is_ready = false };
	if (rc < 0)
		return rc;
	rc = conn_cluster(conn, out, err);
	if (rc < 0)
		conn_judge_read(conn);
	conn_give(conn);
	return rc;
}

int
db_estimate_rows(
    struct db *db, const char *table, int64_t *out, struct err *err)
{
	struct conn *conn;
	int rc = conn_take(db, &conn, err);

	if (rc < 0)
		return rc;
	rc = conn_estimate_rows(conn, table, out, err);
	if (rc < 0)
		conn_judge_read(conn);
	conn_give(conn);
	return rc;
}

void
db_drop_idle(struct db *db)
{
	struct conn *list;

	pthread_mutex_lock(&db->lock);
	list = db->idle;
	db->idle = NULL;
	pthread_mutex_unlock(&db->lock);
	close_list(list);
}
