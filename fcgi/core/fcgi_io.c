#include "common/base/base.h"
#include "fcgi/core/fcgi_io.h"

#include <fcgiapp.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include "common/base/mem.h"
#include "common/base/num.h"
#include "common/base/time.h"

/* how long a connection is read out that had more to say than was wanted */
#define LINGER_US (2 * TIME_SECOND)
/*
 * Of a body that nobody wanted so much is read to keep a connection. A longer
 * one must not fit into the buffers of a socket: a web server that is rid of a
 * body keeps the connection when it has the answer, and sends the next request
 * into its end.
 */
#define UNWANTED_MAX     ((size_t)512 << 10)
#define UNWANTED_WAIT_US (TIME_SECOND / 10)
/* of a body that is none: its end is sent for certain */
#define HEAD_WAIT_US (FCGI_IO_HEAD_S * TIME_SECOND)
/* libfcgi writes records of 8 KiB; parts from this size leave as our own */
#define DIRECT_MIN ((size_t)16 << 10)
/* content of one record: a multiple of 8 below 64 KiB */
#define RECORD_MAX     ((size_t)65528)
#define RECORD_VERSION 1
#define RECORD_STDOUT  6

struct fcgi_io {
	FCGX_Request request;
	bool is_open;
	bool is_broken;
	bool body_ended;
	int64_t patience_us; /* of the connection's reads */
};

static atomic_int lingerers_left; /* as threads that may linger at once */

void
fcgi_io_init_process(unsigned threads)
{
	atomic_store(&lingerers_left, (int)(threads + 1) / 2);
	ASSERT(FCGX_Init() == 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	signal(SIGUSR1, SIG_DFL);
}

struct fcgi_io *
fcgi_io_new(void)
{
	struct fcgi_io *io = mem_new(sizeof(*io));

	/* without a listening socket libfcgi can never accept by itself */
	ASSERT(
	    FCGX_InitRequest(&io->request, -1, FCGI_FAIL_ACCEPT_ON_INTR) == 0);
	io->request.ipcFd = -1;
	return io;
}

/* the request's memory is given back, its descriptor stays */
static int
take_fd(struct fcgi_io *io)
{
	int fd = io->request.ipcFd;

	io->is_open = false;
	io->request.ipcFd = -1;
	FCGX_Free(&io->request, 0);
	return fd;
}

/*
 * libfcgi reads from ipcFd when it is set instead of accepting. Its header
 * asks not to touch these fields: tests/live/core_test.py fails when a new
 * libfcgi changes this.
 */
bool
fcgi_io_accept(struct fcgi_io *io, int fd)
{
	io->request.ipcFd = fd;
	/* it first ends the request before, and with that a connection that
	 * is not kept */
	io->request.keepConnection = 1;
	if (FCGX_Accept_r(&io->request) < 0) {
		/* closed the descriptor and failed to get another one */
		io->request.ipcFd = -1;
		return false;
	}
	io->is_open = true;
	io->is_broken = false;
	io->body_ended = false;
	io->patience_us = HEAD_WAIT_US;
	/* cut off between two parameters: libfcgi takes that for their end */
	if (FCGX_GetError(io->request.in) != 0) {
		close(take_fd(io));
		return false;
	}
	return true;
}

void
fcgi_io_free(struct fcgi_io **io)
{
	if (*io != NULL && (*io)->is_open)
		close(take_fd(*io));
	mem_free(io);
}

/* how long a read waits; most requests change nothing */
static void
set_patience(struct fcgi_io *io, int64_t us)
{
	struct timeval wait = { .tv_sec = us / TIME_SECOND,
		.tv_usec = us % TIME_SECOND };

	if (io->patience_us == us)
		return;
	io->patience_us = us;
	setsockopt(io->request.ipcFd, SOL_SOCKET, SO_RCVTIMEO, &wait,
	    sizeof(wait));
}

static bool
is_long_body(const struct fcgi_io *io)
{
	const char *text = fcgi_io_param(io, "CONTENT_LENGTH");
	uint64_t n;

	return text != NULL &&
	    !num_parse_u64(text, strlen(text), UNWANTED_MAX, &n);
}

static ssize_t
read_body(struct fcgi_io *io, void *p, size_t n)
{
	int done;

	if (io->is_broken)
		return -1;
	if (!io->body_ended) {
		done = FCGX_GetStr(
		    p, n > INT_MAX ? INT_MAX : (int)n, io->request.in);
		if (done > 0)
			return done;
		io->body_ended = true;
	}
	/* an abort looks like the end but for this */
	return FCGX_GetError(io->request.in) == 0 ? 0 : -1;
}

/*
 * What is there as soon as there is something: who waits for more than that
 * does not see the clock while a peer sends byte by byte.
 */
static ssize_t
read_some(struct fcgi_io *io, char *p, size_t n)
{
	const FCGX_Stream *in = io->request.in;
	ssize_t done = read_body(io, p, 1), more;
	size_t there;

	if (done <= 0)
		return done;
	there = (size_t)(in->stop - in->rdNext);
	if (there > n - 1)
		there = n - 1;
	more = there > 0 ? read_body(io, p + 1, there) : 0;
	return more < 0 ? more : done + more;
}

static bool
is_without_body(const struct fcgi_io *io)
{
	const char *method = fcgi_io_param(io, "REQUEST_METHOD");
	const char *length = fcgi_io_param(io, "CONTENT_LENGTH");

	if (length != NULL)
		return strcmp(length, "0") == 0;
	if (fcgi_io_param(io, "HTTP_TRANSFER_ENCODING") != NULL)
		return false;
	return method != NULL &&
	    (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ||
		strcmp(method, "DELETE") == 0);
}

/*
 * What is left of a body would be taken for the next request. The end of a
 * body comes with the parameters if there is none, or soon behind them. Once
 * the answer is sent nothing may be read, it could be the next request. A
 * client that waits for the answer before it sends its body gets it late, so
 * that wait is short; a web server that is out of breath is waited for.
 */
static bool
read_to_end(struct fcgi_io *io)
{
	int64_t wait_us = is_without_body(io) ? HEAD_WAIT_US : UNWANTED_WAIT_US;
	int64_t until = time_monotonic_us() + wait_us;
	size_t left = UNWANTED_MAX;
	char trash[4096];
	ssize_t done = 1;

	if (io->body_ended || is_long_body(io))
		return io->body_ended && FCGX_GetError(io->request.in) == 0;
	set_patience(io, wait_us);
	while (done > 0 && left > 0 && time_monotonic_us() < until) {
		done = read_some(
		    io, trash, left < sizeof(trash) ? left : sizeof(trash));
		if (done > 0)
			left -= (size_t)done;
	}
	return done == 0;
}

/*
 * Closed at once, a connection with unread bytes is reset, and a peer that
 * still writes its body would not see the answer.
 */
static void
linger(int fd)
{
	int64_t until = time_monotonic_us() + LINGER_US;
	struct pollfd wanted = { .fd = fd, .events = POLLIN };
	char trash[4096];

	if (shutdown(fd, SHUT_WR) < 0)
		return;
	while (time_monotonic_us() < until &&
	    poll(&wanted, 1, (int)(LINGER_US / 1000)) == 1 &&
	    recv(fd, trash, sizeof(trash), MSG_DONTWAIT) > 0)
		continue;
}

/* as long as enough threads are left for others */
static void
close_gently(int fd)
{
	if (atomic_fetch_sub(&lingerers_left, 1) > 0)
		linger(fd);
	atomic_fetch_add(&lingerers_left, 1);
	close(fd);
}

bool
fcgi_io_finish(struct fcgi_io *io)
{
	bool sent, is_read, keep;
	int fd;

	if (!io->is_open)
		return false;
	if (io->is_broken) {
		close(take_fd(io));
		return false;
	}
	is_read = read_to_end(io);
	set_patience(io, HEAD_WAIT_US);
	keep = io->request.keepConnection != 0;
	/* in this order, so that both ends leave in one write */
	sent = FCGX_FClose(io->request.err) == 0 &&
	    FCGX_FClose(io->request.out) == 0;
	fd = take_fd(io);
	if (sent && is_read && keep)
		return true;
	if (sent && !is_read)
		close_gently(fd);
	else
		close(fd);
	return false;
}

void
fcgi_io_break(struct fcgi_io *io)
{
	io->is_broken = true;
}

bool
fcgi_io_is_broken(const struct fcgi_io *io)
{
	return io->is_broken;
}

const char *
fcgi_io_param(const struct fcgi_io *io, const char *name)
{
	const char *value = FCGX_GetParam(name, io->request.envp);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

const char *
fcgi_io_next_param(const struct fcgi_io *io, const char *name, size_t *at_io)
{
	size_t n = strlen(name);

	while (io->request.envp[*at_io] != NULL) {
		const char *item = io->request.envp[(*at_io)++];

		if (strncmp(item, name, n) == 0 && item[n] == '=')
			return item + n + 1;
	}
	return NULL;
}

ssize_t
fcgi_io_read(struct fcgi_io *io, void *p, size_t n)
{
	if (!io->body_ended)
		set_patience(io, FCGI_IO_SILENCE_S * TIME_SECOND);
	return read_body(io, p, n);
}

ssize_t
fcgi_io_read_some(struct fcgi_io *io, void *p, size_t n)
{
	if (!io->body_ended)
		set_patience(io, FCGI_IO_SOME_S * TIME_SECOND);
	return read_some(io, p, n);
}

static int
write_parts(int fd, struct iovec parts[2])
{
	int i = 0;

	while (i < 2) {
		ssize_t done = writev(fd, &parts[i], 2 - i);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		for (; i < 2 && (size_t)done >= parts[i].iov_len; i++)
			done -= (ssize_t)parts[i].iov_len;
		if (i < 2) {
			parts[i].iov_base = (char *)parts[i].iov_base + done;
			parts[i].iov_len -= (size_t)done;
		}
	}
	return 0;
}

/* n bytes, at most RECORD_MAX, as a record around libfcgi's buffer */
static int
write_record(struct fcgi_io *io, const char *p, size_t n)
{
	unsigned id = (unsigned)io->request.requestId;
	unsigned char header[8] = { RECORD_VERSION, RECORD_STDOUT,
		(unsigned char)(id >> 8), (unsigned char)id,
		(unsigned char)(n >> 8), (unsigned char)n };
	struct iovec parts[2] = {
		{ .iov_base = header, .iov_len = sizeof(header) },
		{ .iov_len = n },
	};

	memcpy(&parts[1].iov_base, &p, sizeof(p)); /* writev() only reads it */
	return write_parts(io->request.ipcFd, parts);
}

int
fcgi_io_write(struct fcgi_io *io, const void *p, size_t n)
{
	const char *bytes = p;

	if (io->is_broken)
		return -1;
	if (n < DIRECT_MIN)
		return FCGX_PutStr(bytes, (int)n, io->request.out) < 0 ? -1 : 0;
	if (FCGX_FFlush(io->request.out) < 0)
		return -1;
	while (n > 0) {
		size_t part = n > RECORD_MAX ? RECORD_MAX : n;

		if (write_record(io, bytes, part) < 0)
			return -1;
		bytes += part;
		n -= part;
	}
	return 0;
}
