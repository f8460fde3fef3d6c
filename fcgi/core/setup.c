#include "common/base/base.h"
#include "fcgi/core/setup.h"

#include <sys/resource.h>

#include "common/base/err.h"
#include "common/base/mem.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/conf/load.h"
#include "fcgi/core/worker.h"

#define MEMORY_MAX ((size_t)4 << 20)
/* what the program runs with that asks by "-n" */
#define RUNNING     "DTR_RUNNING"
#define RUNNING_MAX ((size_t)32 << 10)

/* raises the limit of open files and compares it with what a worker needs */
static int
check_limits(const struct setup *setup, struct err *err)
{
	struct rlimit limit;
	size_t need = 0;

	for (size_t i = 0; i < setup->pool_count; i++)
		if (worker_files(setup->pools[i].threads) > need)
			need = worker_files(setup->pools[i].threads);
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < need)
		return err_set(err, E_INVALID,
		    "a worker with so many threads needs a limit of %zu open "
		    "files, it is %llu; raise it (LimitNOFILE= of systemd, "
		    "ulimit -Hn) or lower the threads",
		    need, (unsigned long long)limit.rlim_cur);
	return 0;
}

static void
fill_pools(struct setup *setup, const struct server *server)
{
	setup->pool_count = server->pools(&setup->conf, setup->pools);
	ASSERT(setup->pool_count <= SERVER_POOLS_MAX);
	for (size_t i = 0; i < setup->pool_count; i++)
		if (setup->pools[i].workers == 0)
			setup->pools[i].workers = load_cores();
}

struct setup *
setup_load(const struct server *server, const char *file, struct err *err)
{
	struct setup *setup = mem_new(sizeof(*setup));
	int rc;

	setup->memory = pool_new(MEMORY_MAX);
	rc = conf_load(&setup->conf, setup->memory, file, err);
	if (rc == 0 && server->check != NULL)
		rc = server->check(&setup->conf, err);
	if (rc == 0) {
		fill_pools(setup, server);
		rc = check_limits(setup, err);
	}
	if (rc < 0)
		setup_free(&setup);
	return setup;
}

void
setup_free(struct setup **setup)
{
	if (*setup != NULL)
		pool_free(&(*setup)->memory);
	mem_free(setup);
}

static int
check_same(
    const char *what, const char *before, const char *after, struct err *err)
{
	if (strcmp(before, after) == 0)
		return 0;
	return err_set(err, E_CONFLICT,
	    "%s cannot change from \"%s\" to \"%s\" while the program runs; "
	    "restart it",
	    what, before, after);
}

void
setup_tell_running(const struct setup *setup)
{
	struct str text;

	if (setup == NULL) {
		unsetenv(RUNNING);
		return;
	}
	str_init(&text, NULL, RUNNING_MAX);
	str_printf(
	    &text, "%s\n%s\n", setup->conf.node_user, setup->conf.run_dir);
	for (size_t i = 0; i < setup->pool_count; i++)
		str_printf(&text, "%s\n", setup->pools[i].socket);
	ASSERT(!str_is_full(&text) && setenv(RUNNING, text.p, 1) == 0);
	str_release(&text);
}

/* the next line, in its place; "" behind the last one */
static const char *
next_line(char **text)
{
	char *line = *text;
	size_t n = strcspn(line, "\n");

	*text += line[n] == '\n' ? n + 1 : n;
	line[n] = '\0';
	return line;
}

int
setup_check_running(const struct setup *setup, struct err *err)
{
	const char *running = getenv(RUNNING);
	struct setup before = { .pool_count = setup->pool_count };
	char *text;

	if (running == NULL)
		return 0;
	text = pool_strdup(setup->memory, running);
	before.conf.node_user = next_line(&text);
	before.conf.run_dir = next_line(&text);
	for (size_t i = 0; i < setup->pool_count; i++)
		/* one more than before is opened */
		before.pools[i].socket =
		    *text != '\0' ? next_line(&text) : setup->pools[i].socket;
	return setup_check_change(&before, setup, err);
}

int
setup_check_change(
    const struct setup *before, const struct setup *after, struct err *err)
{
	int rc = check_same(
	    "node.user", before->conf.node_user, after->conf.node_user, err);

	if (rc == 0)
		rc = check_same("node.run_dir", before->conf.run_dir,
		    after->conf.run_dir, err);
	for (size_t i = 0; rc == 0 && i < after->pool_count; i++)
		rc = check_same("the path of a socket", before->pools[i].socket,
		    after->pools[i].socket, err);
	return rc;
}
