#include "common/base/base.h"
#include "fcgi/core/worker.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

#include "common/base/err.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/pool.h"
#include "common/base/time.h"
#include "common/conf/conf.h"
#include "fcgi/core/edge.h"
#include "fcgi/core/fcgi_io.h"
#include "fcgi/core/metrics_private.h"
#include "fcgi/core/server.h"

#define POOL_CEILING  ((size_t)128 << 20)
#define THREAD_STACK  ((size_t)512 << 10)
#define TICK_MS       1000
#define DRAIN_STEP_US 10000
/* connections that wait for their next request */
#define IDLE_MAX 1024
/* a thread's files of the store, and what the process needs besides */
#define FILES_PER_THREAD 4
#define FILES_BESIDES    512

static struct {
	const struct server *server;
	struct conns *conns;
	pthread_t *threads;
	size_t thread_count;
	atomic_size_t alive;
	int stop_fd; /* readable for ever once the worker drains */
	bool asks_limits; /* not known yet; of the thread that ticks */
} worker_state;

size_t
worker_files(unsigned threads)
{
	return IDLE_MAX + (size_t)threads * (1 + FILES_PER_THREAD) +
	    FILES_BESIDES;
}

static void
serve(struct fcgi_io *io, struct pool *pool, struct conn *conn)
{
	if (fcgi_io_accept(io, conn->fd)) {
		edge_serve(io, pool);
		if (fcgi_io_finish(io)) {
			conns_park(worker_state.conns, conn);
			return;
		}
	}
	conns_drop(worker_state.conns, conn);
}

static void *
serve_main(void *unused UNUSED)
{
	struct fcgi_io *io = fcgi_io_new();
	struct pool *pool = pool_new(POOL_CEILING);
	struct conn *conn;

	while ((conn = conns_next(worker_state.conns)) != NULL)
		serve(io, pool, conn);
	pool_free(&pool);
	fcgi_io_free(&io);
	atomic_fetch_sub(&worker_state.alive, 1);
	return NULL;
}

/* while the database is away nothing is known, and the requests say so */
static void
ask_limits(void)
{
	struct err err = ERR_INIT;
	int rc;

	if (!worker_state.asks_limits)
		return;
	rc = worker_state.server->check_limits(&err);
	worker_state.asks_limits = rc < 0 && rc != E_LIMIT;
	if (rc == E_LIMIT)
		log_err(NULL, LOG_WARN, "limit_too_low", &err);
}

static void *
tick_main(void *unused UNUSED)
{
	struct pollfd stop = { .fd = worker_state.stop_fd, .events = POLLIN };

	while (poll(&stop, 1, TICK_MS) == 0) {
		conns_share(worker_state.conns);
		if (worker_state.server->tick != NULL)
			worker_state.server->tick();
		ask_limits();
	}
	atomic_fetch_sub(&worker_state.alive, 1);
	return NULL;
}

static void
start_thread(void *(*run)(void *))
{
	pthread_t *thread = &worker_state.threads[worker_state.thread_count++];
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	atomic_fetch_add(&worker_state.alive, 1);
	/* without threads there is no worker: the master tries again */
	ASSERT(pthread_create(thread, &attr, run, NULL) == 0);
	pthread_attr_destroy(&attr);
}

static void
start_threads(const struct worker *worker)
{
	unsigned count = worker->pool->threads;

	worker_state.server = worker->server;
	worker_state.asks_limits =
	    worker->is_first && worker->server->check_limits != NULL;
	worker_state.conns = conns_new(&worker->sockets, IDLE_MAX + count);
	worker_state.threads = mem_array((size_t)count + 1, sizeof(pthread_t));
	worker_state.stop_fd = eventfd(0, EFD_CLOEXEC);
	ASSERT(worker_state.stop_fd >= 0);
	for (unsigned i = 0; i < count; i++)
		start_thread(serve_main);
	start_thread(tick_main);
}

/* false: some still run at the deadline */
static bool
end_threads(int64_t until)
{
	while (atomic_load(&worker_state.alive) > 0) {
		if (time_monotonic_us() > until)
			return false;
		time_sleep_us(DRAIN_STEP_US);
	}
	for (size_t i = 0; i < worker_state.thread_count; i++)
		pthread_join(worker_state.threads[i], NULL);
	mem_free(&worker_state.threads);
	conns_free(&worker_state.conns);
	close(worker_state.stop_fd);
	return true;
}

/* new requests go to other workers; those that run may end */
static bool
drain(const struct worker *worker, bool is_replaced)
{
	int64_t until =
	    time_monotonic_us() + worker->conf->drain_seconds * TIME_SECOND;
	uint64_t one = 1;

	conns_drain(worker_state.conns, is_replaced);
	ASSERT(write(worker_state.stop_fd, &one, sizeof(one)) == sizeof(one));
	if (end_threads(until))
		return true;
	log_event(NULL, LOG_WARN, "drain_deadline_passed",
	    LOG_NUMBER("threads", atomic_load(&worker_state.alive)));
	return false;
}

static void
tell_ready(int fd)
{
	if (fd < 0)
		return;
	if (write(fd, "r", 1) < 0)
		log_event(NULL, LOG_WARN, "master_is_gone",
		    LOG_NUMBER("errno", errno));
	close(fd);
}

/* no thread gets signals: the first one waits for them */
static void
block_signals(sigset_t *ours)
{
	sigemptyset(ours);
	sigaddset(ours, WORKER_STOP);
	sigaddset(ours, WORKER_REPLACED);
	/* these are the master's: a terminal sends INT to all processes */
	sigaddset(ours, SIGINT);
	sigaddset(ours, SIGHUP);
	sigaddset(ours, SIGUSR2);
	pthread_sigmask(SIG_SETMASK, ours, NULL);
}

static int
wait_for_end(const sigset_t *ours)
{
	int number = 0;

	while (number != WORKER_STOP && number != WORKER_REPLACED)
		if (sigwait(ours, &number) != 0)
			number = 0;
	return number;
}

int
worker_main(const struct worker *worker)
{
	sigset_t ours;
	struct err err = ERR_INIT;
	bool is_done;

	block_signals(&ours);
	metrics_use_slot(worker->slot);
	fcgi_io_init_process(worker->pool->threads);
	if (edge_init(worker->server, worker->conf, &err) < 0 ||
	    worker->server->start(worker->conf, &err) < 0) {
		log_err(NULL, LOG_ERROR, "worker_cannot_start", &err);
		return 1;
	}
	start_threads(worker);
	tell_ready(worker->ready_fd);
	is_done = drain(worker, wait_for_end(&ours) == WORKER_REPLACED);
	if (worker->server->finish != NULL)
		is_done = worker->server->finish() && is_done;
	/* the memory of threads past the deadline is in use: leave it all to
	 * the kernel */
	if (!is_done)
		_exit(0);
	worker->server->stop();
	return 0;
}
