#include "common/base/base.h"
#include "fcgi/core/fcgi_io.h"

#include <fcgiapp.h>

#include "common/base/mem.h"

struct fcgi_io {
	FCGX_Request request;
	bool open;
	bool body_ended;
};

void
fcgi_io_init_process(void)
{
	ASSERT(FCGX_Init() == 0);
}

struct fcgi_io *
fcgi_io_new(void)
{
	struct fcgi_io *io = mem_new(sizeof(*io));

	/* without a listening socket libfcgi can never accept by itself */
	ASSERT(FCGX_InitRequest(&io->request, -1, FCGI_FAIL_ACCEPT_ON_INTR) ==
	    0);
	io->request.ipcFd = -1;
	return io;
}

void
fcgi_io_free(struct fcgi_io **io)
{
	if (*io != NULL)
		FCGX_Free(&(*io)->request, 1);
	mem_free(io);
}

/*
 * libfcgi reads from ipcFd when it is set instead of accepting. Its header
 * asks not to touch that field: tests/live/core_test.py fails when a new
 * libfcgi changes this.
 */
bool
fcgi_io_accept(struct fcgi_io *io, int fd)
{
	io->request.ipcFd = fd;
	/* it finishes the request before first, which must not close this */
	io->request.keepConnection = 1;
	if (FCGX_Accept_r(&io->request) < 0) {
		/* closed the descriptor when it tried for another one */
		io->request.ipcFd = -1;
		return false;
	}
	io->open = true;
	io->body_ended = false;
	return true;
}

/* what is left of a body would be taken for the next request */
static bool
is_body_read(struct fcgi_io *io)
{
	char byte;

	if (io->body_ended)
		return true;
	return fcgi_io_read(io, &byte, 1) == 0;
}

int
fcgi_io_finish(struct fcgi_io *io)
{
	int fd;

	if (!io->open)
		return -1;
	io->open = false;
	if (io->request.keepConnection && !is_body_read(io))
		io->request.keepConnection = 0;
	FCGX_Finish_r(&io->request);
	fd = io->request.ipcFd;
	io->request.ipcFd = -1;
	return fd;
}

void
fcgi_io_close_after(struct fcgi_io *io)
{
	io->request.keepConnection = 0;
}

void
fcgi_io_break(struct fcgi_io *io)
{
	io->request.keepConnection = 0;
	if (io->open) {
		FCGX_Free(&io->request, 1);
		io->request.ipcFd = -1;
	}
	io->open = false;
}

const char *
fcgi_io_param(const struct fcgi_io *io, const char *name)
{
	const char *value = FCGX_GetParam(name, io->request.envp);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

ssize_t
fcgi_io_read(struct fcgi_io *io, void *p, size_t n)
{
	int done;

	if (io->body_ended)
		return 0;
	done = FCGX_GetStr(p, n > INT_MAX ? INT_MAX : (int)n, io->request.in);
	if (done > 0)
		return done;
	io->body_ended = true;
	return FCGX_GetError(io->request.in) == 0 ? 0 : -1;
}

int
fcgi_io_write(struct fcgi_io *io, const void *p, size_t n)
{
	const char *bytes = p;

	while (n > 0) {
		int part = n > INT_MAX ? INT_MAX : (int)n;

		if (FCGX_PutStr(bytes, part, io->request.out) < 0)
			return -1;
		bytes += part;
		n -= (size_t)part;
	}
	return 0;
}
