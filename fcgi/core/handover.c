#include "common/base/base.h"
#include "fcgi/core/handover.h"

#include <fcntl.h>
#include <sys/wait.h>

#include "common/base/num.h"
#include "common/base/str.h"

#define VARIABLE "DTR_HANDOVER"
#define TEXT_MAX ((size_t)32 << 10)

void
handover_format(const struct handover *h, struct str *out)
{
	str_printf(out, "%d;", (int)h->pid);
	for (size_t i = 0; i < h->socket_count; i++) {
		const struct socket *socket = &h->sockets[i];

		str_printf(out, "%d,%d,%d,%d;", socket->fds.listen_fd,
		    socket->fds.take_fd, socket->fds.give_fd, socket->is_ours);
	}
	str_putc(out, '/');
	for (size_t i = 0; i < h->worker_count; i++)
		str_printf(out, "%d,%zu,%d;", (int)h->workers[i].pid,
		    h->workers[i].pool, h->workers[i].drains);
}

/* a number and the character behind it */
static bool
take_number(const char **text, char behind, uint64_t max, int *out)
{
	size_t n = strspn(*text, "0123456789");
	uint64_t number;

	if ((*text)[n] != behind || !num_parse_u64(*text, n, max, &number))
		return false;
	*out = (int)number;
	*text += n + 1;
	return true;
}

bool
handover_parse(struct handover *out, const char *text)
{
	int pid, ours, pool, drains;

	*out = (struct handover){ .pid = 0 };
	if (!take_number(&text, ';', INT_MAX, &pid))
		return false;
	out->pid = pid;
	while (*text != '/') {
		struct socket *socket = &out->sockets[out->socket_count];

		if (out->socket_count == COUNT_OF(out->sockets) ||
		    !take_number(&text, ',', INT_MAX, &socket->fds.listen_fd) ||
		    !take_number(&text, ',', INT_MAX, &socket->fds.take_fd) ||
		    !take_number(&text, ',', INT_MAX, &socket->fds.give_fd) ||
		    !take_number(&text, ';', 1, &ours))
			return false;
		socket->is_ours = ours == 1;
		out->socket_count++;
	}
	for (text++; *text != '\0'; out->worker_count++) {
		drains = 0;
		if (out->worker_count == COUNT_OF(out->workers) ||
		    !take_number(&text, ',', INT_MAX, &pid))
			return false;
		/* the first versions said no more than the pool */
		if (!take_number(&text, ';', SERVER_POOLS_MAX - 1, &pool) &&
		    (!take_number(&text, ',', SERVER_POOLS_MAX - 1, &pool) ||
			!take_number(&text, ';', 1, &drains)))
			return false;
		out->workers[out->worker_count] =
		    (struct handover_worker){ pid, (size_t)pool, drains == 1 };
	}
	return true;
}

static void
keep_over_exec(const struct handover *h, int flags)
{
	for (size_t i = 0; i < h->socket_count; i++) {
		fcntl(h->sockets[i].fds.listen_fd, F_SETFD, flags);
		fcntl(h->sockets[i].fds.take_fd, F_SETFD, flags);
		fcntl(h->sockets[i].fds.give_fd, F_SETFD, flags);
	}
}

void
handover_put(const struct handover *h)
{
	struct str text;

	str_init(&text, NULL, TEXT_MAX);
	handover_format(h, &text);
	ASSERT(!str_is_full(&text) && setenv(VARIABLE, text.p, 1) == 0);
	str_release(&text);
	keep_over_exec(h, 0);
}

void
handover_cancel(const struct handover *h)
{
	keep_over_exec(h, FD_CLOEXEC);
	unsetenv(VARIABLE);
}

/* a number that is not a child's would be somebody else's process */
static bool
is_child(pid_t pid)
{
	siginfo_t info;

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) ==
	    0;
}

bool
handover_take(struct handover *out)
{
	const char *text = getenv(VARIABLE);
	bool good =
	    text != NULL && handover_parse(out, text) && out->pid == getpid();
	size_t workers = 0;

	unsetenv(VARIABLE);
	for (size_t i = 0; good && i < out->socket_count; i++)
		good = socket_is_listening(out->sockets[i].fds.listen_fd);
	if (!good)
		return false;
	keep_over_exec(out, FD_CLOEXEC);
	for (size_t i = 0; i < out->worker_count; i++)
		if (is_child(out->workers[i].pid))
			out->workers[workers++] = out->workers[i];
	out->worker_count = workers;
	return true;
}
