#include "common/base/base.h"
#include "fcgi/core/children.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "common/base/io.h"
#include "common/base/log.h"
#include "common/base/time.h"
#include "fcgi/core/handover.h"
#include "fcgi/core/metrics_private.h"
#include "fcgi/core/socket.h"
#include "fcgi/core/worker.h"

#define READY_WAIT_US     (30 * TIME_SECOND)
#define BACK_OFF_FIRST_US (TIME_SECOND / 10)
#define BACK_OFF_MAX_US   (5 * TIME_SECOND)
/* a worker that lived so long did not die of its start */
#define GOOD_LIFE_US (10 * TIME_SECOND)

enum child_state {
	CHILD_NONE,
	CHILD_RUNS,
	CHILD_DRAINS, /* told to end */
	CHILD_WAITS, /* to be started again at restart_us */
};

struct child {
	enum child_state state;
	pid_t pid;
	size_t pool; /* index into pools */
	bool is_old; /* it is to be replaced */
	bool is_first; /* of a start or reload */
	int ready_fd; /* -1 once that is known */
	int64_t started_us;
	int64_t restart_us;
	int64_t back_off_us;
};

/* the index is the worker's slot in the metrics */
static struct child children[METRICS_SLOTS];

static struct child *
free_slot(void)
{
	for (size_t i = 0; i < COUNT_OF(children); i++)
		if (children[i].state == CHILD_NONE)
			return &children[i];
	return NULL;
}

static size_t
slot_of(const struct child *child)
{
	return (size_t)(child - children);
}

/* where the master waits for this worker, and for those before it */
static void
close_ready_fds(const struct child *self)
{
	for (size_t i = 0; i < COUNT_OF(children); i++)
		if (&children[i] == self || children[i].state == CHILD_RUNS)
			io_close(&children[i].ready_fd);
}

/* in the new process: nothing of the master but its sockets is kept */
static NORETURN void
run_child(const struct children_origin *origin, const struct child *child,
    int ready_fd, pid_t parent)
{
	struct worker worker = { .server = origin->server,
		.conf = origin->conf,
		.pool = &origin->pools[child->pool],
		.sockets = origin->sockets[child->pool].fds,
		.ready_fd = ready_fd,
		.slot = slot_of(child),
		.is_first = child->is_first };

	close(origin->signal_fd);
	close_ready_fds(child);
	prctl(PR_SET_PDEATHSIG, WORKER_STOP);
	if (getppid() != parent)
		_exit(0);
	for (size_t i = 0; i < origin->pool_count; i++) {
		if (i == child->pool)
			continue;
		close(origin->sockets[i].fds.listen_fd);
		close(origin->sockets[i].fds.take_fd);
		close(origin->sockets[i].fds.give_fd);
	}
	exit(worker_main(&worker));
}

/* ready_fd: where it tells that it is ready, or -1 */
static bool
start_child(
    const struct children_origin *origin, struct child *child, int ready_fd)
{
	pid_t parent = getpid();

	metrics_clear_slot(slot_of(child));
	child->pid = fork();
	if (child->pid == 0)
		run_child(origin, child, ready_fd, parent);
	if (child->pid < 0) {
		log_event(NULL, LOG_ERROR, "worker_not_started",
		    LOG_NUMBER("errno", errno));
		return false;
	}
	child->state = CHILD_RUNS;
	child->started_us = time_monotonic_us();
	return true;
}

/* a new worker of the pool, whose start is waited for */
static bool
add_child(const struct children_origin *origin, size_t pool, bool is_first)
{
	struct child *child = free_slot();
	int ready[2];
	bool started;

	if (child == NULL || pipe2(ready, O_CLOEXEC) < 0)
		return false;
	*child = (struct child){
		.pool = pool, .is_first = is_first, .ready_fd = ready[0]
	};
	started = start_child(origin, child, ready[1]);
	close(ready[1]);
	if (!started)
		close(ready[0]);
	return started;
}

static bool
wait_ready(struct child *child, int64_t until)
{
	struct pollfd wanted = { .fd = child->ready_fd, .events = POLLIN };
	int64_t left = until - time_monotonic_us();
	char byte;
	bool is_ready =
	    poll(&wanted, 1, left > 0 ? (int)(left / 1000) : 0) == 1 &&
	    read(child->ready_fd, &byte, 1) == 1;

	close(child->ready_fd);
	child->ready_fd = -1;
	return is_ready;
}

static void
end_child(struct child *child, int signal_number)
{
	if (child->state == CHILD_RUNS)
		kill(child->pid, signal_number);
	if (child->state == CHILD_WAITS)
		child->state = CHILD_NONE;
	else if (child->state == CHILD_RUNS)
		child->state = CHILD_DRAINS;
}

static void
end_children(bool old_ones, int signal_number)
{
	for (size_t i = 0; i < COUNT_OF(children); i++)
		if (children[i].state != CHILD_NONE &&
		    children[i].is_old == old_ones)
			end_child(&children[i], signal_number);
}

static bool
start_all(const struct children_origin *origin)
{
	int64_t until = time_monotonic_us() + READY_WAIT_US;
	bool good = true;

	for (size_t p = 0; p < origin->pool_count; p++)
		for (unsigned i = 0; i < origin->pools[p].workers; i++)
			good = good && add_child(origin, p, p == 0 && i == 0);
	for (size_t i = 0; i < COUNT_OF(children); i++)
		if (children[i].state == CHILD_RUNS && !children[i].is_old)
			good = wait_ready(&children[i], until) && good;
	return good;
}

bool
children_replace(const struct children_origin *origin)
{
	bool good;

	for (size_t i = 0; i < COUNT_OF(children); i++)
		children[i].is_old = true;
	good = start_all(origin);
	if (good)
		end_children(true, WORKER_REPLACED);
	else
		end_children(false, WORKER_STOP);
	for (size_t i = 0; i < COUNT_OF(children); i++)
		children[i].is_old = false;
	return good;
}

static void
log_death(const struct child *child, int status)
{
	if (WIFSIGNALED(status))
		log_event(NULL, LOG_ERROR, "worker_died",
		    LOG_NUMBER("pid", child->pid),
		    LOG_NUMBER("signal", WTERMSIG(status)));
	else
		log_event(NULL, LOG_ERROR, "worker_ended",
		    LOG_NUMBER("pid", child->pid),
		    LOG_NUMBER("exit_code", WEXITSTATUS(status)));
}

static void
plan_restart(struct child *child)
{
	int64_t now = time_monotonic_us();

	metrics_worker_died();
	if (now - child->started_us > GOOD_LIFE_US)
		child->back_off_us = 0;
	child->state = CHILD_WAITS;
	child->restart_us = now + child->back_off_us;
	child->back_off_us = child->back_off_us == 0 ? BACK_OFF_FIRST_US
						     : child->back_off_us * 2;
	if (child->back_off_us > BACK_OFF_MAX_US)
		child->back_off_us = BACK_OFF_MAX_US;
}

static struct child *
find_child(pid_t pid)
{
	for (size_t i = 0; i < COUNT_OF(children); i++)
		if ((children[i].state == CHILD_RUNS ||
			children[i].state == CHILD_DRAINS) &&
		    children[i].pid == pid)
			return &children[i];
	return NULL;
}

void
children_reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child *child = find_child(pid);

		if (child == NULL)
			continue;
		metrics_clear_slot(slot_of(child));
		if (child->state == CHILD_DRAINS && WIFEXITED(status) &&
		    WEXITSTATUS(status) == 0) {
			child->state = CHILD_NONE;
			continue;
		}
		log_death(child, status);
		if (child->state == CHILD_DRAINS)
			child->state = CHILD_NONE;
		else
			plan_restart(child);
	}
}

int
children_restart_due(const struct children_origin *origin)
{
	int64_t next = -1;

	for (size_t i = 0; i < COUNT_OF(children); i++) {
		struct child *child = &children[i];
		int64_t left;

		if (child->state != CHILD_WAITS)
			continue;
		left = child->restart_us - time_monotonic_us();
		if (left <= 0) {
			if (start_child(origin, child, -1))
				continue;
			left = TIME_SECOND;
			child->restart_us = time_monotonic_us() + left;
		}
		if (next < 0 || left < next)
			next = left;
	}
	return next < 0 ? -1 : (int)(next / 1000 + 1);
}

void
children_fill(const struct children_origin *origin)
{
	for (size_t p = 0; p < origin->pool_count; p++) {
		unsigned count = 0;
		struct child *child;

		for (size_t i = 0; i < COUNT_OF(children); i++)
			if (children[i].pool == p &&
			    (children[i].state == CHILD_RUNS ||
				children[i].state == CHILD_WAITS))
				count++;
		for (; count < origin->pools[p].workers &&
		     (child = free_slot()) != NULL;
		     count++)
			*child = (struct child){ .state = CHILD_WAITS,
				.pool = p,
				.ready_fd = -1,
				.restart_us =
				    time_monotonic_us() + BACK_OFF_FIRST_US };
	}
}

void
children_stop(void)
{
	end_children(false, WORKER_STOP);
}

bool
children_are_alive(void)
{
	for (size_t i = 0; i < COUNT_OF(children); i++)
		if (children[i].state == CHILD_RUNS ||
		    children[i].state == CHILD_DRAINS)
			return true;
	return false;
}

void
children_kill(void)
{
	for (size_t i = 0; i < COUNT_OF(children); i++)
		if (children[i].state == CHILD_DRAINS)
			kill(children[i].pid, SIGKILL);
}

void
children_hand_over(struct handover *h)
{
	h->worker_count = 0;
	for (size_t i = 0; i < COUNT_OF(children); i++)
		if (children[i].state == CHILD_RUNS ||
		    children[i].state == CHILD_DRAINS)
			h->workers[h->worker_count++] =
			    (struct handover_worker){ .pid = children[i].pid,
				    .pool = children[i].pool,
				    .drains =
					children[i].state == CHILD_DRAINS };
}

void
children_adopt(const struct handover *h)
{
	for (size_t i = 0; i < h->worker_count; i++)
		children[i] =
		    (struct child){ .state = h->workers[i].drains ? CHILD_DRAINS
								  : CHILD_RUNS,
			    .pid = h->workers[i].pid,
			    .pool = h->workers[i].pool,
			    .ready_fd = -1,
			    .started_us = time_monotonic_us() };
}
