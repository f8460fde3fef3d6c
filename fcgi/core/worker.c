#include "common/base/base.h"
#include "fcgi/core/worker.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/pool.h"
#include "common/base/time.h"
#include "common/conf/conf.h"
#include "fcgi/core/edge.h"
#include "fcgi/core/fcgi_io.h"
#include "fcgi/core/metrics_private.h"
#include "fcgi/core/server.h"

#define POOL_CEILING ((size_t)128 << 20)
/* of a web server that stopped in the middle of a request */
#define SILENCE_S 900
#define THREAD_STACK ((size_t)512 << 10)

static struct {
	int epoll_fd;
	int listen_fd;
	int stop_fd; /* readable for ever once the worker drains */
	atomic_bool stopping;
	atomic_uint threads;
	const struct server *server;
} worker_state;

static void
watch(int fd, uint32_t events, int operation)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	/* fails only when the process is out of memory or descriptors */
	if (epoll_ctl(worker_state.epoll_fd, operation, fd, &event) < 0)
		close(fd);
}

/* gives an idle connection back to the set; it wakes one thread once */
static void
park(int fd, bool is_new)
{
	if (atomic_load(&worker_state.stopping)) {
		close(fd);
		return;
	}
	watch(fd, EPOLLIN | EPOLLRDHUP | EPOLLONESHOT,
	    is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD);
}

static int
accept_one(void)
{
	struct timeval silence = { .tv_sec = SILENCE_S };
	int fd = accept4(worker_state.listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0) {
		/* another thread was faster; without descriptors left, let
		 * others finish first */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS)
			time_sleep_us(10000);
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof(silence));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof(silence));
	return fd;
}

static void
serve(struct fcgi_io *io, struct pool *pool, int fd, bool is_new)
{
	if (!fcgi_io_accept(io, fd))
		return;
	edge_serve(io, pool);
	fd = fcgi_io_finish(io);
	if (fd >= 0)
		park(fd, is_new);
}

static void *
thread_main(void *unused UNUSED)
{
	struct fcgi_io *io = fcgi_io_new();
	struct pool *pool = pool_new(POOL_CEILING);

	while (!atomic_load(&worker_state.stopping)) {
		struct epoll_event event;
		int n = epoll_wait(worker_state.epoll_fd, &event, 1, -1);

		if (n <= 0)
			continue;
		if (event.data.fd == worker_state.listen_fd) {
			int fd = accept_one();

			if (fd >= 0)
				serve(io, pool, fd, true);
		} else if (event.data.fd != worker_state.stop_fd) {
			serve(io, pool, event.data.fd, false);
		}
	}
	pool_free(&pool);
	fcgi_io_free(&io);
	atomic_fetch_sub(&worker_state.threads, 1);
	return NULL;
}

static void *
tick_main(void *unused UNUSED)
{
	while (!atomic_load(&worker_state.stopping)) {
		worker_state.server->tick();
		for (int i = 0; i < 10; i++)
			if (!atomic_load(&worker_state.stopping))
				time_sleep_us(TIME_SECOND / 10);
	}
	atomic_fetch_sub(&worker_state.threads, 1);
	return NULL;
}

static void
start_thread(void *(*run)(void *))
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	atomic_fetch_add(&worker_state.threads, 1);
	/* without threads there is no worker: the master tries again */
	ASSERT(pthread_create(&thread, &attr, run, NULL) == 0);
	pthread_attr_destroy(&attr);
}

static void
open_set(const struct worker *worker)
{
	worker_state.server = worker->server;
	worker_state.listen_fd = worker->listen_fd;
	worker_state.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	worker_state.stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT(worker_state.epoll_fd >= 0 && worker_state.stop_fd >= 0);
	fcntl(worker->listen_fd, F_SETFL,
	    fcntl(worker->listen_fd, F_GETFL) | O_NONBLOCK);
	watch(worker->listen_fd, EPOLLIN | EPOLLEXCLUSIVE, EPOLL_CTL_ADD);
	watch(worker_state.stop_fd, EPOLLIN, EPOLL_CTL_ADD);
}

/* new requests go to other workers; those that run may end */
static void
drain(const struct worker *worker)
{
	int64_t until = time_monotonic_us() +
	    worker->conf->drain_seconds * TIME_SECOND;
	uint64_t one = 1;

	atomic_store(&worker_state.stopping, true);
	epoll_ctl(worker_state.epoll_fd, EPOLL_CTL_DEL, worker->listen_fd,
	    NULL);
	if (write(worker_state.stop_fd, &one, sizeof(one)) < 0)
		return;
	while (atomic_load(&worker_state.threads) > 0 &&
	    time_monotonic_us() < until)
		time_sleep_us(10000);
}

static void
tell_ready(int fd)
{
	if (write(fd, "r", 1) < 0)
		log_event(NULL, LOG_WARN, "master_is_gone",
		    LOG_NUMBER("errno", errno));
	close(fd);
}

int
worker_main(const struct worker *worker)
{
	sigset_t wanted;
	struct err err;
	unsigned left;
	int signal_number;

	metrics_use_slot(worker->slot);
	fcgi_io_init_process();
	/* libfcgi has put its own handlers for these: take them back */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	signal(SIGUSR1, SIG_DFL);
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGHUP);
	sigaddset(&wanted, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &wanted, NULL);
	if (edge_init(worker->server, worker->conf, &err) < 0 ||
	    worker->server->start(worker->conf, &err) < 0) {
		log_err(NULL, LOG_ERROR, "worker_cannot_start", &err);
		return 1;
	}
	open_set(worker);
	for (unsigned i = 0; i < worker->pool->threads; i++)
		start_thread(thread_main);
	if (worker->server->tick != NULL)
		start_thread(tick_main);
	tell_ready(worker->ready_fd);
	do {
		if (sigwait(&wanted, &signal_number) != 0)
			continue;
	} while (signal_number != SIGTERM);
	drain(worker);
	left = atomic_load(&worker_state.threads);
	if (left > 0) {
		/* their memory is still in use: leave it to the kernel */
		log_event(NULL, LOG_WARN, "drain_deadline_passed",
		    LOG_NUMBER("threads", left));
		_exit(0);
	}
	worker->server->stop();
	return 0;
}
