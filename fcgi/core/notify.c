#include "common/base/base.h"
#include "fcgi/core/notify.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "common/base/time.h"

void
notify_state(const char *state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	char text[96];
	size_t n;
	int fd;

	if (path == NULL || strlen(path) >= sizeof(address.sun_path) ||
	    (path[0] != '/' && path[0] != '@'))
		return;
	n = strlen(path);
	memcpy(address.sun_path, path, n);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	snprintf(text, sizeof(text), "%s\nMONOTONIC_USEC=%" PRId64, state,
	    time_monotonic_us());
	/* a supervisor that does not listen is not our fault */
	(void)!sendto(fd, text, strlen(text), MSG_NOSIGNAL,
	    (struct sockaddr *)&address,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	close(fd);
}
