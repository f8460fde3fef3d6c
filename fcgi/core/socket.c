#include "common/base/base.h"
#include "fcgi/core/socket.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/base/err.h"
#include "common/base/num.h"
#include "fcgi/core/server.h"

#define BACKLOG 1024
#define SYSTEMD_FIRST_FD 3

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
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return fault(err, "make a socket for", address->sun_path);
	rc = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	close(fd);
	if (rc == 0)
		return err_set(err, E_EXISTS,
		    "another program listens on \"%s\"; is it running "
		    "already?",
		    address->sun_path);
	if (unlink(address->sun_path) < 0 && errno != ENOENT)
		return fault(err, "remove", address->sun_path);
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

static bool
is_listening(int fd)
{
	int yes = 0;
	socklen_t size = sizeof(yes);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &size) == 0 &&
	    yes == 1;
}

static int
inherited(const char *handover, size_t i)
{
	const char *text = getenv("LISTEN_FDS");
	const char *pid = getenv("LISTEN_PID");
	uint64_t number;

	if (handover != NULL) {
		for (; i > 0; i--)
			handover += strcspn(handover, ",;") + 1;
		if (num_parse_u64(handover, strcspn(handover, ",;"), INT_MAX,
			&number) &&
		    is_listening((int)number))
			return (int)number;
		return -1;
	}
	if (text != NULL && pid != NULL &&
	    num_parse_u64(pid, strlen(pid), INT_MAX, &number) &&
	    (pid_t)number == getpid() &&
	    num_parse_u64(text, strlen(text), 64, &number) && i < number)
		return SYSTEMD_FIRST_FD + (int)i;
	return i == 0 && is_listening(STDIN_FILENO) ? STDIN_FILENO : -1;
}

int
socket_open_all(const char *const *paths, size_t count, const char *handover,
    int *fds_out, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		int rc;

		fds_out[i] = inherited(handover, i);
		if (fds_out[i] >= 0) {
			fcntl(fds_out[i], F_SETFD, FD_CLOEXEC);
			continue;
		}
		rc = open_one(paths[i], &fds_out[i], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
socket_become(const char *user, const char *run_dir,
    const struct server_pool *pools, size_t count, struct err *err)
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
		if (chown(pools[i].socket, entry.pw_uid, entry.pw_gid) < 0 &&
		    errno != ENOENT)
			return fault(err, "give away", pools[i].socket);
	if (initgroups(user, entry.pw_gid) < 0 || setgid(entry.pw_gid) < 0 ||
	    setuid(entry.pw_uid) < 0)
		return fault(err, "become", user);
	return 0;
}
