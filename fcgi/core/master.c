/*
 * The supervisor: owns the sockets, starts workers, replaces those that die.
 * It serves no request and allocates next to nothing.
 */
#include "common/base/base.h"
#include "fcgi/core/server.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/num.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/base/time.h"
#include "common/conf/conf.h"
#include "fcgi/core/master.h"
#include "fcgi/core/metrics_private.h"
#include "fcgi/core/notify.h"
#include "fcgi/core/socket.h"
#include "fcgi/core/worker.h"

#define CONF_POOL_SIZE ((size_t)4 << 20)
#define READY_WAIT_MS 30000
#define BACK_OFF_MAX_US (5 * TIME_SECOND)
/* a worker that lived so long did not die of its start */
#define GOOD_LIFE_US (10 * TIME_SECOND)

enum child_state {
	CHILD_NONE,
	CHILD_RUNS,
	CHILD_DRAINS, /* told to end */
	CHILD_WAITS,  /* to be started again at restart_us */
};

struct child {
	enum child_state state;
	pid_t pid;
	size_t pool; /* index into pools */
	int64_t started_us;
	int64_t restart_us;
	int64_t back_off_us;
};

static struct {
	const struct server *server;
	char **argv;
	const char *conf_file;
	struct pool *conf_pool;
	struct conf conf;
	struct server_pool pools[SERVER_POOLS_MAX];
	size_t pool_count;
	int sockets[SERVER_POOLS_MAX];
	struct child children[METRICS_SLOTS];
	int signal_fd;
	sigset_t old_mask;
	char pid_file[PATH_MAX];
} master;

static int
load_conf(struct pool **pool_out, struct conf *out, struct err *err)
{
	struct pool *pool = pool_new(CONF_POOL_SIZE);
	int rc = conf_load(out, pool, master.conf_file, err);

	if (rc < 0)
		pool_free(&pool);
	*pool_out = pool;
	return rc;
}

static void
use_conf(struct pool *pool, const struct conf *conf)
{
	enum log_level level = LOG_INFO;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	pool_free(&master.conf_pool);
	master.conf_pool = pool;
	master.conf = *conf;
	if (log_level_parse(conf->log_level, &level))
		log_init(level, master.server->program);
	master.pool_count = master.server->pools(&master.conf, master.pools);
	for (size_t i = 0; i < master.pool_count; i++)
		if (master.pools[i].workers == 0)
			master.pools[i].workers =
			    cores > 0 ? (unsigned)cores : 1;
}

/* what a worker needs: its threads, parked connections, the database */
static int
check_limits(const struct server_pool pools[], size_t count, struct err *err)
{
	struct rlimit limit;
	unsigned most = 0;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	for (size_t i = 0; i < count; i++)
		if (pools[i].threads > most)
			most = pools[i].threads;
	if (limit.rlim_cur < 4 * (rlim_t)most + 512)
		return err_set(err, E_INVALID,
		    "%u threads need a limit of %u open files, it is %llu; "
		    "raise it (ulimit -n, LimitNOFILE=)",
		    most, 4 * most + 512, (unsigned long long)limit.rlim_cur);
	return 0;
}

static int
free_slot(void)
{
	for (size_t i = 0; i < COUNT_OF(master.children); i++)
		if (master.children[i].state == CHILD_NONE)
			return (int)i;
	return -1;
}

/* in the new process: nothing of the master but its sockets is kept */
static NORETURN void
run_child(size_t slot, size_t pool, int ready_fd, pid_t parent)
{
	struct worker worker = { .server = master.server,
		.conf = &master.conf, .pool = &master.pools[pool],
		.listen_fd = master.sockets[pool], .ready_fd = ready_fd,
		.slot = slot };
	int rc;

	close(master.signal_fd);
	sigprocmask(SIG_SETMASK, &master.old_mask, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(0);
	for (size_t i = 0; i < master.pool_count; i++)
		if (i != pool)
			close(master.sockets[i]);
	rc = worker_main(&worker);
	pool_free(&master.conf_pool);
	exit(rc);
}

/* starts a worker in this slot; the descriptor tells when it is ready */
static int
start_child(size_t slot, size_t pool)
{
	struct child *child = &master.children[slot];
	pid_t parent = getpid();
	int ready[2];
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return -1;
	metrics_clear_slot(slot);
	pid = fork();
	if (pid == 0) {
		close(ready[0]);
		run_child(slot, pool, ready[1], parent);
	}
	close(ready[1]);
	if (pid < 0) {
		close(ready[0]);
		return -1;
	}
	child->state = CHILD_RUNS;
	child->pid = pid;
	child->pool = pool;
	child->started_us = time_monotonic_us();
	return ready[0];
}

static bool
wait_ready(int fd)
{
	struct pollfd wanted = { .fd = fd, .events = POLLIN };
	char byte;
	bool ready = fd >= 0 && poll(&wanted, 1, READY_WAIT_MS) == 1 &&
	    read(fd, &byte, 1) == 1;

	if (fd >= 0)
		close(fd);
	return ready;
}

static void
end_child(struct child *child)
{
	if (child->state == CHILD_RUNS)
		kill(child->pid, SIGTERM);
	child->state = child->state == CHILD_RUNS ? CHILD_DRAINS : CHILD_NONE;
}

/* starts all workers of the configuration; false if one cannot serve */
static bool
start_all(void)
{
	int ready[METRICS_SLOTS];
	size_t count = 0;
	bool good = true;

	for (size_t p = 0; p < master.pool_count; p++) {
		for (unsigned i = 0; i < master.pools[p].workers; i++) {
			int slot = free_slot();

			if (slot < 0)
				return false;
			master.children[slot].back_off_us = 0;
			ready[count++] = start_child((size_t)slot, p);
		}
	}
	for (size_t i = 0; i < count; i++)
		good = wait_ready(ready[i]) && good;
	return good;
}

static size_t
mark_running(pid_t old[METRICS_SLOTS])
{
	size_t count = 0;

	for (size_t i = 0; i < COUNT_OF(master.children); i++)
		if (master.children[i].state == CHILD_RUNS ||
		    master.children[i].state == CHILD_WAITS)
			old[count++] = (pid_t)i;
	return count;
}

/* new workers first, then the old ones drain; if the new ones fail, the old
 * ones stay */
static bool
replace_workers(void)
{
	pid_t old[METRICS_SLOTS], fresh[METRICS_SLOTS];
	size_t old_count = mark_running(old), fresh_count;
	bool good = start_all();

	if (good) {
		for (size_t i = 0; i < old_count; i++)
			end_child(&master.children[old[i]]);
		return true;
	}
	fresh_count = mark_running(fresh);
	for (size_t i = 0; i < fresh_count; i++) {
		bool is_old = false;

		for (size_t j = 0; j < old_count; j++)
			is_old = is_old || old[j] == fresh[i];
		if (!is_old)
			end_child(&master.children[fresh[i]]);
	}
	return false;
}

static void
reload(void)
{
	struct conf conf, before = master.conf;
	struct pool *pool, *pool_before;
	struct err err;

	notify_state("RELOADING=1");
	if (load_conf(&pool, &conf, &err) < 0) {
		log_err(NULL, LOG_ERROR, "reload_refused", &err);
		notify_state("READY=1");
		return;
	}
	pool_before = master.conf_pool;
	master.conf_pool = NULL;
	use_conf(pool, &conf);
	if (replace_workers()) {
		pool_free(&pool_before);
		log_event(NULL, LOG_INFO, "reloaded",
		    LOG_TEXT("file", master.conf_file));
	} else {
		log_event(NULL, LOG_ERROR, "reload_failed",
		    LOG_TEXT("file", master.conf_file));
		use_conf(pool_before, &before);
	}
	notify_state("READY=1");
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
reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child *child = NULL;

		for (size_t i = 0; i < COUNT_OF(master.children); i++)
			if (master.children[i].state != CHILD_NONE &&
			    master.children[i].state != CHILD_WAITS &&
			    master.children[i].pid == pid)
				child = &master.children[i];
		if (child == NULL)
			continue;
		metrics_clear_slot((size_t)(child - master.children));
		if (child->state == CHILD_DRAINS) {
			child->state = CHILD_NONE;
			continue;
		}
		log_death(child, status);
		metrics_worker_died();
		if (time_monotonic_us() - child->started_us > GOOD_LIFE_US)
			child->back_off_us = 0;
		child->state = CHILD_WAITS;
		child->restart_us = time_monotonic_us() + child->back_off_us;
		child->back_off_us = child->back_off_us == 0
		    ? TIME_SECOND / 10
		    : child->back_off_us * 2;
		if (child->back_off_us > BACK_OFF_MAX_US)
			child->back_off_us = BACK_OFF_MAX_US;
	}
}

static void
restart_due(void)
{
	for (size_t i = 0; i < COUNT_OF(master.children); i++) {
		struct child *child = &master.children[i];
		int fd;

		if (child->state != CHILD_WAITS ||
		    child->restart_us > time_monotonic_us())
			continue;
		fd = start_child(i, child->pool);
		if (fd >= 0)
			close(fd); /* nobody waits for this one */
		else
			child->restart_us = time_monotonic_us() + TIME_SECOND;
	}
}

static bool
any_alive(void)
{
	for (size_t i = 0; i < COUNT_OF(master.children); i++)
		if (master.children[i].state == CHILD_RUNS ||
		    master.children[i].state == CHILD_DRAINS)
			return true;
	return false;
}

static void
stop(void)
{
	int64_t until = time_monotonic_us() +
	    (master.conf.drain_seconds + 5) * TIME_SECOND;

	notify_state("STOPPING=1");
	for (size_t i = 0; i < COUNT_OF(master.children); i++)
		end_child(&master.children[i]);
	while (any_alive() && time_monotonic_us() < until) {
		reap();
		time_sleep_us(10000);
	}
	for (size_t i = 0; i < COUNT_OF(master.children); i++)
		if (master.children[i].state == CHILD_DRAINS)
			kill(master.children[i].pid, SIGKILL);
	for (size_t i = 0; i < master.pool_count; i++)
		unlink(master.pools[i].socket);
	unlink(master.pid_file);
	log_event(NULL, LOG_INFO, "stopped", LOG_NUMBER("pid", getpid()));
}

/* the new program is asked first whether it can run at all */
static bool
new_program_is_good(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		sigprocmask(SIG_SETMASK, &master.old_mask, NULL);
		execl(master.argv[0], master.argv[0], "-n", "-c",
		    master.conf_file, (char *)NULL);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid &&
	    WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* the same process goes on as the new program: its sockets and its children
 * stay, and it is told of them through the environment */
static void
upgrade(void)
{
	struct str text;

	if (!new_program_is_good()) {
		log_event(NULL, LOG_ERROR, "upgrade_refused",
		    LOG_TEXT("file", master.argv[0]));
		return;
	}
	str_init(&text, NULL, 64 << 10);
	for (size_t i = 0; i < master.pool_count; i++) {
		fcntl(master.sockets[i], F_SETFD, 0);
		str_printf(&text, "%s%d", i > 0 ? "," : "", master.sockets[i]);
	}
	str_putc(&text, ';');
	for (size_t i = 0; i < COUNT_OF(master.children); i++)
		if (master.children[i].state == CHILD_RUNS ||
		    master.children[i].state == CHILD_DRAINS)
			str_printf(&text, "%d,", (int)master.children[i].pid);
	setenv(MASTER_HANDOVER, text.p, 1);
	log_event(NULL, LOG_INFO, "upgrading",
	    LOG_TEXT("file", master.argv[0]));
	sigprocmask(SIG_SETMASK, &master.old_mask, NULL);
	execv(master.argv[0], master.argv);
	log_event(NULL, LOG_ERROR, "upgrade_failed",
	    LOG_NUMBER("errno", errno));
	sigprocmask(SIG_BLOCK, &master.old_mask, NULL);
	unsetenv(MASTER_HANDOVER);
	str_release(&text);
}

static void
open_signals(void)
{
	sigset_t wanted;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGHUP);
	sigaddset(&wanted, SIGUSR2);
	sigaddset(&wanted, SIGCHLD);
	sigprocmask(SIG_BLOCK, &wanted, &master.old_mask);
	/* after an upgrade they were blocked already */
	sigemptyset(&master.old_mask);
	master.signal_fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	ASSERT(master.signal_fd >= 0);
	signal(SIGPIPE, SIG_IGN);
}

static void
supervise(void)
{
	struct pollfd wanted = { .fd = master.signal_fd, .events = POLLIN };
	struct signalfd_siginfo info;

	for (;;) {
		poll(&wanted, 1, 100);
		while (read(master.signal_fd, &info, sizeof(info)) ==
		    sizeof(info)) {
			switch (info.ssi_signo) {
			case SIGTERM:
			case SIGINT:
				stop();
				return;
			case SIGHUP:
				reload();
				break;
			case SIGUSR2:
				upgrade();
				break;
			default:
				break;
			}
		}
		reap();
		restart_due();
	}
}

/* the workers of the program that ran here before, to be ended */
static void
adopt(const char *text)
{
	while (*text != '\0') {
		size_t n = strcspn(text, ",");
		uint64_t pid;
		int slot = free_slot();

		if (slot >= 0 && num_parse_u64(text, n, INT_MAX, &pid))
			master.children[slot] = (struct child){
				.state = CHILD_RUNS, .pid = (pid_t)pid };
		text += n + (text[n] == ',');
	}
}

static int
open_sockets(struct err *err)
{
	char *handover = getenv(MASTER_HANDOVER);
	const char *paths[SERVER_POOLS_MAX];

	for (size_t i = 0; i < master.pool_count; i++)
		paths[i] = master.pools[i].socket;
	if (handover != NULL) {
		char *pids = strchr(handover, ';');

		if (pids != NULL)
			adopt(pids + 1);
	}
	return socket_open_all(
	    paths, master.pool_count, handover, master.sockets, err);
}

static int
write_pid_file(struct err *err)
{
	char text[NUM_TEXT_SIZE + 1];
	size_t n = num_put_u64(text, (uint64_t)getpid());

	snprintf(master.pid_file, sizeof(master.pid_file), "%s/%s.pid",
	    master.conf.run_dir, master.server->program);
	text[n] = '\n';
	return io_write_file(master.pid_file, text, n + 1, 0644, err);
}

static int
start_up(struct err *err)
{
	struct rlimit none = { 0, 0 };
	int rc = check_limits(master.pools, master.pool_count, err);

	if (rc == 0)
		rc = io_make_dirs(master.conf.run_dir, 0755, err);
	if (rc == 0)
		rc = open_sockets(err);
	if (rc == 0)
		rc = socket_become(master.conf.node_user, master.conf.run_dir,
		    master.pools, master.pool_count, err);
	if (rc == 0)
		rc = write_pid_file(err);
	if (rc < 0)
		return rc;
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	open_signals();
	metrics_init(master.server);
	if (replace_workers())
		return 0;
	stop();
	return err_set(
	    err, E_INTERNAL, "no worker could start; see the log before");
}

static void
print_usage(FILE *out, const char *program)
{
	fprintf(out,
	    "usage: %s [-c FILE] [-n] [-V]\n"
	    "  -c FILE  configuration (default %s)\n"
	    "  -n       check the configuration and exit\n"
	    "  -V       print the version and exit\n",
	    program, conf_default_file());
}

/* -1: go on; else the exit code */
static int
parse_options(int argc, char **argv, bool *check_only)
{
	int option;

	*check_only = false;
	while ((option = getopt(argc, argv, "c:nVh")) != -1) {
		switch (option) {
		case 'c':
			master.conf_file = optarg;
			break;
		case 'n':
			*check_only = true;
			break;
		case 'V':
			printf("%s %s\n", master.server->program,
			    master.server->version);
			return 0;
		case 'h':
			print_usage(stdout, master.server->program);
			return 0;
		default:
			print_usage(stderr, master.server->program);
			return 2;
		}
	}
	if (optind < argc) {
		print_usage(stderr, master.server->program);
		return 2;
	}
	return -1;
}

/* an upgrade starts the same file again, wherever one stands then */
static char **
with_full_path(char **argv)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n > 0) {
		path[n] = '\0';
		argv[0] = mem_strdup(path);
	}
	return argv;
}

int
server_main(const struct server *server, int argc, char **argv)
{
	struct err err = { .code = 0 };
	struct pool *pool;
	struct conf conf;
	bool check_only;
	int rc;

	master.server = server;
	master.conf_file = conf_default_file();
	log_init(LOG_INFO, server->program);
	rc = parse_options(argc, argv, &check_only);
	if (rc >= 0)
		return rc;
	master.argv = with_full_path(argv);
	if (load_conf(&pool, &conf, &err) == 0) {
		use_conf(pool, &conf);
		if (check_only)
			return 0;
		if (start_up(&err) == 0) {
			unsetenv(MASTER_HANDOVER);
			notify_state("READY=1");
			log_event(NULL, LOG_INFO, "started",
			    LOG_NUMBER("pid", getpid()));
			supervise();
			return 0;
		}
	}
	fprintf(stderr, "%s: %s%s%s\n", server->program, err.text,
	    err.cause[0] != '\0' ? ": " : "", err.cause);
	return 1;
}
