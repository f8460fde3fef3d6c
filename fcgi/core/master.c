/*
 * The supervisor: owns the sockets and the workers, and acts on signals. It
 * serves no request.
 */
#include "common/base/base.h"
#include "fcgi/core/server.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
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
#include "common/base/time.h"
#include "fcgi/core/children.h"
#include "fcgi/core/edge.h"
#include "fcgi/core/handover.h"
#include "fcgi/core/metrics_private.h"
#include "fcgi/core/notify.h"
#include "fcgi/core/rate.h"
#include "fcgi/core/setup.h"
#include "fcgi/core/socket.h"

#define STOP_STEP_US 10000
/* what workers get beyond the time they give to requests */
#define STOP_BESIDES_US (5 * TIME_SECOND)
#define PID_FILE_MAX    64
/* of what a new program says about its configuration */
#define WORDS_MAX 1024

static struct {
	const struct server *server;
	char **argv;
	const char *conf_file;
	struct setup *setup;
	struct socket sockets[SERVER_POOLS_MAX];
	int signal_fd;
	char pid_file[PATH_MAX];
} master;

static struct children_origin
origin_of(const struct setup *setup)
{
	return (struct children_origin){ .server = master.server,
		.conf = &setup->conf,
		.pools = setup->pools,
		.sockets = master.sockets,
		.pool_count = setup->pool_count,
		.signal_fd = master.signal_fd };
}

static void
use_log_level(const struct setup *setup)
{
	enum log_level level = LOG_INFO;

	if (log_level_parse(setup->conf.log_level, &level))
		log_init(level, master.server->program);
}

static int
try_reload(struct err *err)
{
	struct setup *setup = setup_load(master.server, master.conf_file, err);
	struct children_origin origin;

	if (setup == NULL)
		return err->code;
	if (setup_check_change(master.setup, setup, err) < 0) {
		setup_free(&setup);
		return err->code;
	}
	origin = origin_of(setup);
	use_log_level(setup);
	if (!children_replace(&origin)) {
		setup_free(&setup);
		use_log_level(master.setup);
		return err_set(err, E_INTERNAL, "no new worker could start");
	}
	setup_free(&master.setup);
	master.setup = setup;
	return 0;
}

static void
reload(void)
{
	struct err err = ERR_INIT;

	notify_state("RELOADING=1");
	if (try_reload(&err) < 0)
		log_err(NULL, LOG_ERROR, "reload_refused", &err);
	else
		log_event(NULL, LOG_INFO, "reloaded",
		    LOG_TEXT("file", master.conf_file));
	notify_state("READY=1");
}

/* what a program says, until it says no more */
static void
read_words(int fd, char *text, size_t size)
{
	char rest[256];
	size_t used = 0;
	ssize_t n;

	do {
		bool is_full = used == size - 1;

		n = read(fd, is_full ? rest : text + used,
		    is_full ? sizeof(rest) : size - 1 - used);
		if (n > 0 && !is_full)
			used += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	while (used > 0 && text[used - 1] == '\n')
		used--;
	text[used] = '\0';
}

/* its exit code, -1 if it has none; words: what it says in standard error */
static int
run_check(char *file, char *words, size_t size)
{
	char check[] = "-n", conf[] = "-c";
	char *argv[] = { master.argv[0], check, conf, file, NULL };
	posix_spawn_file_actions_t actions;
	int said[2], status = -1, rc;
	pid_t pid;

	words[0] = '\0';
	if (pipe2(said, O_CLOEXEC) < 0)
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, said[1], STDERR_FILENO);
	rc = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(said[1]);
	if (rc == 0)
		read_words(said[0], words, size);
	else
		snprintf(words, size, "cannot be run, errno %d", rc);
	close(said[0]);
	if (rc != 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* the new program is asked first whether it could start */
static bool
new_program_is_good(void)
{
	char words[WORDS_MAX];
	char *file = mem_strdup(master.conf_file);
	int code;

	setup_tell_running(master.setup);
	code = run_check(file, words, sizeof(words));
	setup_tell_running(NULL);
	mem_free(&file);
	if (code != 0)
		log_event(NULL, LOG_ERROR, "upgrade_refused",
		    LOG_TEXT("file", master.argv[0]),
		    LOG_NUMBER("exit_code", code), LOG_TEXT("error", words));
	return code == 0;
}

/*
 * This process goes on as the new program, with the same sockets. Signals
 * stay blocked on the way, none is lost.
 */
static void
upgrade(void)
{
	struct handover h = { .pid = getpid(),
		.socket_count = master.setup->pool_count };

	if (!new_program_is_good())
		return;
	memcpy(h.sockets, master.sockets, sizeof(h.sockets));
	children_hand_over(&h);
	handover_put(&h);
	notify_state("RELOADING=1");
	log_event(
	    NULL, LOG_INFO, "upgrading", LOG_TEXT("file", master.argv[0]));
	execv(master.argv[0], master.argv);
	log_event(
	    NULL, LOG_ERROR, "upgrade_failed", LOG_NUMBER("errno", errno));
	handover_cancel(&h);
	notify_state("READY=1");
}

/* another instance may have written its own meanwhile */
static void
remove_pid_file(void)
{
	struct pool *pool = pool_new(PID_FILE_MAX * 16);
	struct err err = ERR_INIT;
	size_t n;
	uint64_t pid;
	char *text;

	if (io_read_file(
		pool, master.pid_file, PID_FILE_MAX, &text, &n, &err) == 0 &&
	    n > 1 && num_parse_u64(text, n - 1, INT_MAX, &pid) &&
	    (pid_t)pid == getpid())
		unlink(master.pid_file);
	pool_free(&pool);
}

static void
stop(void)
{
	int64_t until = time_monotonic_us() + STOP_BESIDES_US +
	    master.setup->conf.drain_seconds * TIME_SECOND;

	notify_state("STOPPING=1");
	/* the workers first: they take what waits at the sockets */
	children_stop();
	socket_close_all(
	    master.sockets, master.setup->pools, master.setup->pool_count);
	for (; children_are_alive(); children_reap()) {
		if (time_monotonic_us() > until)
			children_kill();
		time_sleep_us(STOP_STEP_US);
	}
	remove_pid_file();
	log_event(NULL, LOG_INFO, "stopped", LOG_NUMBER("pid", getpid()));
}

static void
open_signals(void)
{
	static const int wanted[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2,
		SIGCHLD };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < COUNT_OF(wanted); i++)
		sigaddset(&set, wanted[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	master.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	ASSERT(master.signal_fd >= 0);
	signal(SIGPIPE, SIG_IGN);
}

/* false: time to end */
static bool
handle_signals(void)
{
	struct signalfd_siginfo info;

	while (read(master.signal_fd, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGTERM:
		case SIGINT:
			return false;
		case SIGHUP:
			reload();
			break;
		case SIGUSR2:
			upgrade();
			break;
		default: /* CHLD: all are looked at; USR1: means nothing */
			break;
		}
	}
	return true;
}

static void
supervise(void)
{
	struct pollfd wanted = { .fd = master.signal_fd, .events = POLLIN };
	int wait_ms = 0;

	do {
		struct children_origin origin;

		poll(&wanted, 1, wait_ms);
		if (!handle_signals())
			break;
		children_reap();
		origin = origin_of(master.setup);
		wait_ms = children_restart_due(&origin);
	} while (true);
	stop();
}

static int
write_pid_file(struct err *err)
{
	char text[NUM_TEXT_SIZE + 1];
	size_t n = num_put_u64(text, (uint64_t)getpid());

	text[n] = '\n';
	return io_write_file(master.pid_file, text, n + 1, 0644, err);
}

/* no memory in a file, no more rights by any program, no debugger */
static void
give_up_rights(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* an upgrade has its folder and its pid file, and a full disk must not end it */
static int
open_all(bool is_upgrade, struct err *err)
{
	const struct setup *setup = master.setup;
	const struct conf *conf = &setup->conf;
	int rc = is_upgrade ? 0 : io_make_dirs(conf->run_dir, 0755, err);

	snprintf(master.pid_file, sizeof(master.pid_file), "%s/%s.pid",
	    conf->run_dir, master.server->program);
	if (rc == 0)
		rc = socket_open_all(
		    master.sockets, setup->pools, setup->pool_count, err);
	if (rc == 0)
		rc = socket_become(conf->node_user, conf->run_dir,
		    master.sockets, setup->pools, setup->pool_count, err);
	if (rc == 0 && !is_upgrade)
		rc = write_pid_file(err);
	if (rc < 0)
		socket_close_all(
		    master.sockets, setup->pools, setup->pool_count);
	return rc;
}

static int
start_up(struct err *err)
{
	struct children_origin origin;
	struct handover h = { .pid = 0 };
	bool is_upgrade = handover_take(&h);
	const struct route *own_routes;
	size_t own_route_count;
	int rc;

	for (size_t i = 0; i < COUNT_OF(master.sockets); i++)
		master.sockets[i].fds = (struct conns_sockets){ -1, -1, -1 };
	if (is_upgrade)
		memcpy(master.sockets, h.sockets,
		    h.socket_count * sizeof(h.sockets[0]));
	rc = open_all(is_upgrade, err);
	if (rc < 0)
		return rc;
	give_up_rights();
	open_signals();
	own_routes = edge_own_routes(&own_route_count);
	metrics_init(master.server, own_routes, own_route_count);
	rate_init();
	if (is_upgrade)
		children_adopt(&h);
	origin = origin_of(master.setup);
	if (children_replace(&origin))
		return 0;
	if (is_upgrade) {
		/* the workers of the program before go on */
		children_fill(&origin);
		log_event(NULL, LOG_ERROR, "upgrade_failed",
		    LOG_TEXT("file", master.argv[0]));
		return 0;
	}
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

/* else what is opened next is standard error, and what is logged goes there */
static void
keep_standard_files(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	io_close(&fd);
}

/*
 * An upgrade starts the same file again, wherever one stands then. A link in a
 * full path leads to the new version by that time.
 */
static char **
with_full_path(char **argv)
{
	static char path[PATH_MAX];
	ssize_t n;

	if (argv[0] != NULL && argv[0][0] == '/')
		return argv;
	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n > 0) {
		path[n] = '\0';
		argv[0] = path;
	}
	return argv;
}

static int
run(bool check_only, struct err *err)
{
	int rc = 0;

	master.setup = setup_load(master.server, master.conf_file, err);
	if (master.setup == NULL)
		return err->code;
	if (check_only) {
		rc = setup_check_running(master.setup, err);
	} else {
		use_log_level(master.setup);
		rc = start_up(err);
		if (rc == 0) {
			notify_state("READY=1");
			log_event(NULL, LOG_INFO, "started",
			    LOG_NUMBER("pid", getpid()));
			supervise();
		}
	}
	setup_free(&master.setup);
	return rc;
}

int
server_main(const struct server *server, int argc, char **argv)
{
	struct err err = ERR_INIT;
	bool check_only = false;
	int code;

	keep_standard_files();
	master.server = server;
	master.conf_file = conf_default_file();
	log_init(LOG_INFO, server->program);
	code = parse_options(argc, argv, &check_only);
	if (code >= 0)
		return code;
	master.argv = with_full_path(argv);
	if (run(check_only, &err) == 0)
		return 0;
	fprintf(stderr, "%s: %s%s%s\n", server->program, err.text,
	    err.cause[0] != '\0' ? ": " : "", err.cause);
	return 1;
}
