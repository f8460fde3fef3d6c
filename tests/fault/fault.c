/*
 * A library for LD_PRELOAD that counts the calls of a responder which matter
 * when it dies or something fails, and at the Nth call of a kind kills the
 * process, fails the call, cuts the database connection, or waits.
 *
 * The test says what to do in a file that all processes map: see struct
 * point, tests/lib/faults.py and $DTR_FAULT_CONTROL. Only calls of threads
 * that serve a request count, so the once-a-second work of a process does
 * not disturb.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fcgiapp.h>
#include <mysql.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* in the order of KINDS in tests/lib/faults.py */
enum kind {
	HASH, /* SHA256_Update */
	PWRITE,
	PREAD,
	FDATASYNC,
	FSYNC,
	OPENAT,
	FTRUNCATE,
	EXECUTE, /* of a prepared statement */
	COMMIT, /* before it is sent */
	COMMITTED, /* after it succeeded */
	ANSWER, /* before a stream of the answer is closed: twice a request */
	KINDS,
};

enum action {
	NOTHING,
	KILL, /* this process */
	KILL_ALL, /* and its master */
	CUT, /* the connection to the database */
	STALL, /* until the test takes the action away */
	FAIL = 1000, /* and above: fail with the errno above it */
};

/* a line of numbers in the shared file */
struct point {
	atomic_uint calls;
	atomic_uint at; /* first call to act on, from 1; 0: none */
	atomic_uint times; /* so many calls from there on */
	atomic_uint action;
	atomic_uint fired;
};

#define STALL_STEP_US 1000
#define STALL_STEPS   60000 /* a forgotten stall ends some day */

static struct point *points;
static _Thread_local bool is_serving;

__attribute__((constructor)) static void
map_control(void)
{
	const char *path = getenv("DTR_FAULT_CONTROL");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	points = mmap(NULL, KINDS * sizeof(*points), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	if (points == MAP_FAILED)
		points = NULL;
	close(fd);
}

/* data pointers and function pointers are of one size here (POSIX) */
#define NEXT(function, name) \
	static __typeof__(&(function)) next; \
	if (next == NULL) { \
		void *found = dlsym(RTLD_NEXT, name); \
		memcpy(&next, &found, sizeof(next)); \
	} \
	_Static_assert(sizeof(next) == sizeof(void *), "POSIX says so")

static void
stall(struct point *point)
{
	for (int i = 0; i < STALL_STEPS && point->action == STALL; i++)
		usleep(STALL_STEP_US);
}

static void
cut(MYSQL *mysql)
{
	if (mysql != NULL)
		shutdown(mysql_get_socket(mysql), SHUT_RDWR);
}

/* true: the call has to fail, errno is set */
static bool
hits(enum kind kind, MYSQL *mysql)
{
	struct point *point;
	unsigned n, at, action;

	if (points == NULL || !is_serving)
		return false;
	point = &points[kind];
	n = atomic_fetch_add(&point->calls, 1) + 1;
	at = point->at;
	if (at == 0 || n < at || n - at >= point->times)
		return false;
	action = point->action;
	atomic_fetch_add(&point->fired, 1);
	switch (action) {
	case NOTHING:
		return false;
	case KILL_ALL:
		kill(getppid(), SIGKILL);
		kill(getpid(), SIGKILL);
		return false;
	case KILL:
		kill(getpid(), SIGKILL);
		return false;
	case CUT:
		cut(mysql);
		return true;
	case STALL:
		stall(point);
		return false;
	default:
		errno = (int)(action - FAIL);
		return true;
	}
}

int
FCGX_Accept_r(FCGX_Request *request)
{
	NEXT(FCGX_Accept_r, "FCGX_Accept_r");
	int rc;

	is_serving = false;
	rc = next(request);
	is_serving = rc >= 0;
	return rc;
}

int
FCGX_FClose(FCGX_Stream *stream)
{
	NEXT(FCGX_FClose, "FCGX_FClose");
	(void)hits(ANSWER, NULL);
	return next(stream);
}

int SHA256_Update(void *context, const void *p, size_t n);

int
SHA256_Update(void *context, const void *p, size_t n)
{
	NEXT(SHA256_Update, "SHA256_Update");
	(void)hits(HASH, NULL);
	return next(context, p, n);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t offset)
{
	NEXT(pwrite, "pwrite");
	return hits(PWRITE, NULL) ? -1 : next(fd, p, n, offset);
}

ssize_t
pread(int fd, void *p, size_t n, off_t offset)
{
	NEXT(pread, "pread");
	return hits(PREAD, NULL) ? -1 : next(fd, p, n, offset);
}

int
fdatasync(int fd)
{
	NEXT(fdatasync, "fdatasync");
	return hits(FDATASYNC, NULL) ? -1 : next(fd);
}

int
fsync(int fd)
{
	NEXT(fsync, "fsync");
	return hits(FSYNC, NULL) ? -1 : next(fd);
}

int
ftruncate(int fd, off_t length)
{
	NEXT(ftruncate, "ftruncate");
	return hits(FTRUNCATE, NULL) ? -1 : next(fd, length);
}

int
openat(int folder, const char *name, int flags, ...)
{
	NEXT(openat, "openat");
	mode_t mode = 0;
	va_list args;

	if ((flags & O_CREAT) != 0) {
		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	return hits(OPENAT, NULL) ? -1 : next(folder, name, flags, mode);
}

int
mysql_stmt_execute(MYSQL_STMT *stmt)
{
	NEXT(mysql_stmt_execute, "mysql_stmt_execute");
	(void)hits(EXECUTE, stmt->mysql);
	return next(stmt);
}

int
mysql_real_query(MYSQL *mysql, const char *text, unsigned long n)
{
	NEXT(mysql_real_query, "mysql_real_query");
	bool is_commit = n == 6 && memcmp(text, "COMMIT", 6) == 0;
	int rc;

	if (is_commit)
		(void)hits(COMMIT, mysql);
	rc = next(mysql, text, n);
	/* what a lost answer looks like: done, and nobody knows */
	if (rc == 0 && is_commit && hits(COMMITTED, mysql))
		return 1;
	return rc;
}
