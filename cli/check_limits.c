/* dtr check: the limits of threads and descriptors */
#include "common/base/base.h"
#include "cli/check.h"

#include <sys/resource.h>

#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/num.h"
#include "common/base/pool.h"
#include "common/conf/load.h"

/* what worker_files() of fcgi/core asks for when a program starts */
#define DESCRIPTORS_A_THREAD 5
#define DESCRIPTORS_BASE     1536
#define PID_FILE_MAX         ((size_t)64)
#define PROC_FILE_SIZE       4096
#define RAISE_FILES          "raise it (LimitNOFILE= of its unit, ulimit -Hn)"
#define RAISE_PROCESSES      "raise it (LimitNPROC= of the units, ulimit -u)"

struct limits {
	const char *whose;
	uint64_t files;
	uint64_t processes;
};

/* A file of /proc, which has no size. */
static bool
read_proc(struct pool *pool, int pid, const char *name, char text[])
{
	FILE *file = fopen(pool_printf(pool, "/proc/%d/%s", pid, name), "re");
	size_t n;

	if (file == NULL)
		return false;
	n = fread(text, 1, PROC_FILE_SIZE - 1, file);
	text[n] = '\0';
	fclose(file);
	return n > 0;
}

/* The soft limit in a line "Max open files   1024   4096   files". */
static bool
parse_limit(const char *text, const char *name, uint64_t *out)
{
	const char *value = strstr(text, name);

	if (value == NULL)
		return false;
	value += strlen(name);
	value += strspn(value, " ");
	if (strncmp(value, "unlimited ", 10) == 0) {
		*out = RLIM_INFINITY;
		return true;
	}
	return num_parse_u64(value, strcspn(value, " "), UINT64_MAX, out);
}

/* The process of the program's file, if it is that program; else 0. */
static int
find_process(struct check *check, const char *program)
{
	struct pool *pool = check->cli->pool;
	const char *file =
	    pool_printf(pool, "%s/%s.pid", check->cli->conf.run_dir, program);
	struct err err = ERR_INIT;
	char name[PROC_FILE_SIZE];
	char *text;
	uint64_t pid;

	if (io_read_file(pool, file, PID_FILE_MAX, &text, NULL, &err) < 0 ||
	    !num_parse_u64(text, strcspn(text, "\n"), INT_MAX, &pid) ||
	    !read_proc(pool, (int)pid, "comm", name))
		return 0;
	name[strcspn(name, "\n")] = '\0';
	return strcmp(name, program) == 0 ? (int)pid : 0;
}

/* Of the running program, else what it would get from this shell. */
static struct limits
limits_of(struct check *check, const char *program)
{
	struct pool *pool = check->cli->pool;
	struct limits limits = { .whose = pool_printf(pool,
				     "this shell (%s is not seen)", program) };
	int pid = find_process(check, program);
	struct rlimit files = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit processes = files;
	char text[PROC_FILE_SIZE];

	if (pid > 0 && read_proc(pool, pid, "limits", text) &&
	    parse_limit(text, "\nMax open files ", &limits.files) &&
	    parse_limit(text, "\nMax processes ", &limits.processes)) {
		limits.whose = pool_printf(pool, "process %d", pid);
		return limits;
	}
	getrlimit(RLIMIT_NOFILE, &files);
	getrlimit(RLIMIT_NPROC, &processes);
	/* programs raise this soft limit by themselves */
	limits.files = files.rlim_max;
	limits.processes = processes.rlim_cur;
	return limits;
}

static const char *
put_limit(struct pool *pool, uint64_t limit)
{
	return limit == RLIM_INFINITY ? "unlimited"
				      : pool_printf(pool, "%" PRIu64, limit);
}

static void
check_files(struct check *check, const char *program, int64_t threads,
    const struct limits *limits)
{
	uint64_t files =
	    (uint64_t)threads * DESCRIPTORS_A_THREAD + DESCRIPTORS_BASE;
	bool fits = limits->files >= files;

	check_report(check, fits ? CHECK_OK : CHECK_FAIL, "limits",
	    "%s needs %" PRIu64 " descriptors a process, the limit of %s is "
	    "%s%s",
	    program, files, limits->whose,
	    put_limit(check->cli->pool, limits->files),
	    fits ? "" : "; " RAISE_FILES " and start it again");
}

static void
check_processes(
    struct check *check, const struct load *load, const struct limits *least)
{
	bool fits = least->processes >= load->threads + load->workers * 4;

	check_report(check, fits ? CHECK_OK : CHECK_WARN, "limits",
	    "%u processes have %u threads, the user's limit in %s is %s%s",
	    load->workers, load->threads, least->whose,
	    put_limit(check->cli->pool, least->processes),
	    fits ? "" : "; " RAISE_PROCESSES " and start them again");
}

void
check_limits(struct check *check)
{
	const struct conf *conf = &check->cli->conf;
	struct load load = load_of(conf, NULL, load_cores());
	struct limits least = { .processes = RLIM_INFINITY };
	int64_t threads = conf_registry_threads(conf);
	const struct {
		const char *name;
		int64_t threads;
	} programs[] = {
		{ "dtr-registry",
		    threads > conf->registry_upload_threads
			? threads
			: conf->registry_upload_threads },
		{ "dtr-garant", conf->garant_threads },
		{ "dtr-api", conf->api_threads },
	};

	for (size_t i = 0; i < COUNT_OF(programs); i++) {
		struct limits limits = limits_of(check, programs[i].name);

		check_files(
		    check, programs[i].name, programs[i].threads, &limits);
		if (limits.processes <= least.processes)
			least = limits;
	}
	/* root is not bound by it */
	if (geteuid() != 0)
		check_processes(check, &load, &least);
}
