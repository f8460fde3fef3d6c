#include "common/base/base.h"
#include "fcgi/core/socket.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/num.h"
#include "fcgi/core/server.h"

#define BACKLOG          1024
#define SYSTEMD_FIRST_FD 3
/* how long a worker waits for others to take its connections */
#define GIVE_WAIT_S 2

static int
fault(struct err *err, const char *what, const char *path)
{
	int number = errno;

	err_set(err, E_INTERNAL, "cannot %s \"%s\"", what, path);
	return err_errno(err, number);
}

static int
remove_stale(const struct sockaddr_un *address, struct err *err)
{
	const char *path = address->sun_path;
	struct stat info;
	int fd, rc;

	if (lstat(path, &info) < 0)
		return errno == ENOENT ? 0 : fault(err, "look at", path);
	if (!S_ISSOCK(info.st_mode))
		return err_set(err, E_EXISTS,
		    "\"%s\" is there and is no socket; remove it", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fault(err, "make a socket for", path);
	rc = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	if (rc < 0 && errno != ECONNREFUSED && errno != ENOENT)
		rc = 0; /* its queue is full, or it is not ours to try */
	close(fd);
	if (rc == 0)
		return err_set(err, E_EXISTS,
		    "another program listens on \"%s\"; is it running "
		    "already?",
		    path);
	if (unlink(path) < 0 && errno != ENOENT)
		return fault(err, "remove", path);
	return 0;
}

static int
open_one(const char *path, int *fd_out, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, rc;

	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(err, E_INVALID,
		    "socket path \"%s\" is longer than %zu bytes", path,
		    sizeof(address.sun_path) - 1);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	rc = remove_stale(&address, err);
	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fault(err, "make a socket for", path);
	/* only the web server's group may talk to us */
	mask = umask(0117);
	rc = bind(fd, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (rc < 0 || listen(fd, BACKLOG) < 0) {
		fault(err, "listen on", path);
		close(fd);
		return err->code;
	}
	*fd_out = fd;
	return 0;
}

bool
socket_is_listening(int fd)
{
	int yes = 0;
	socklen_t size = sizeof(yes);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &size) == 0 &&
	    yes == 1;
}

static uint64_t
environment_number(const char *name)
{
	const char *text = getenv(name);
	uint64_t number = 0;

	if (text == NULL ||
	    !num_parse_u64(text, strlen(text), INT_MAX, &number))
		return 0;
	return number;
}

/* a socket that was opened for the pool by who started us, or -1 */
static int
inherited(size_t pool)
{
	int fd = pool == 0 ? STDIN_FILENO : -1;

	if (environment_number("LISTEN_PID") == (uint64_t)getpid() &&
	    pool < environment_number("LISTEN_FDS"))
		fd = SYSTEMD_FIRST_FD + (int)pool;
	return fd >= 0 && socket_is_listening(fd) ? fd : -1;
}

/* the way of a connection from a worker that ends to one that goes on */
static int
open_handing(struct conns_sockets *fds, struct err *err)
{
	struct timeval wait = { .tv_sec = GIVE_WAIT_S };
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return fault(err, "make a socket for", "connections");
	setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	fds->give_fd = pair[0];
	fds->take_fd = pair[1];
	return 0;
}

int
socket_open_all(struct socket *sockets, const struct server_pool *pools,
    size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		struct conns_sockets *fds = &sockets[i].fds;
		int rc = 0;

		if (fds->listen_fd < 0)
			fds->listen_fd = inherited(i);
		if (fds->listen_fd < 0) {
			rc = open_one(pools[i].socket, &fds->listen_fd, err);
			sockets[i].is_ours = rc == 0;
		}
		if (rc == 0 && fds->take_fd < 0)
			rc = open_handing(fds, err);
		if (rc < 0)
			return rc;
		fcntl(fds->listen_fd, F_SETFD, FD_CLOEXEC);
		fcntl(fds->listen_fd, F_SETFL,
		    fcntl(fds->listen_fd, F_GETFL) | O_NONBLOCK);
	}
	return 0;
}

void
socket_close_all(
    struct socket *sockets, const struct server_pool *pools, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (sockets[i].is_ours)
			unlink(pools[i].socket);
		sockets[i].is_ours = false;
		io_close(&sockets[i].fds.listen_fd);
		io_close(&sockets[i].fds.take_fd);
		io_close(&sockets[i].fds.give_fd);
	}
}

int
socket_become(const char *user, const char *run_dir,
    const struct socket *sockets, const struct server_pool *pools, size_t count,
    struct err *err)
{
	struct passwd entry, *found = NULL;
	char text[4096];

	if (user[0] == '\0' || geteuid() != 0)
		return 0;
	if (getpwnam_r(user, &entry, text, sizeof(text), &found) != 0 ||
	    found == NULL)
		return err_set(err, E_INVALID,
		    "user \"%s\" of node.user does not exist", user);
	if (chown(run_dir, entry.pw_uid, entry.pw_gid) < 0)
		return fault(err, "give away", run_dir);
	for (size_t i = 0; i < count; i++)
		if (sockets[i].is_ours &&
		    chown(pools[i].socket, entry.pw_uid, entry.pw_gid) < 0)
			return fault(err, "give away", pools[i].socket);
	if (initgroups(user, entry.pw_gid) < 0 || setgid(entry.pw_gid) < 0 ||
	    setuid(entry.pw_uid) < 0)
		return fault(err, "become", user);
	return 0;
}
