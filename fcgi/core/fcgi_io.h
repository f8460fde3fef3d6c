/*
 * The wire: one FastCGI connection at a time for a thread (the only user of
 * libfcgi). A connection is given in and taken out by its descriptor, so
 * that idle ones need no thread (conns.h).
 */
#ifndef FCGI_CORE_FCGI_IO_H
#define FCGI_CORE_FCGI_IO_H

struct fcgi_io;

/*
 * Longest silence of a web server in seconds: while a handler reads a long
 * body or writes the answer; while it reads a short body; and otherwise, in the
 * middle of the parameters or before the end of a body that is not there. The
 * connection comes with timeouts of the last for reads, the first for writes.
 */
#define FCGI_IO_SILENCE_S 900
#define FCGI_IO_SOME_S    10
#define FCGI_IO_HEAD_S	  2

/*
 * Once in a process, before its threads, of so many. libfcgi puts its own handlers for
 * TERM, USR1 and PIPE; they are taken back here: PIPE is ignored, the others
 * have their default.
 */
void fcgi_io_init_process(unsigned threads);

/* One for each thread. */
struct fcgi_io *fcgi_io_new(void);
void fcgi_io_free(struct fcgi_io **io);

/*
 * Reads the next request's parameters from the connection; false when the
 * peer closed it or sent nonsense: the descriptor is closed then.
 */
bool fcgi_io_accept(struct fcgi_io *io, int fd);

/*
 * Sends what is left of the answer and ends the request. True: the peer
 * keeps the connection and nothing of this request is left in it. False: it
 * is closed. A body that nobody wanted is read out if it is short and there.
 */
bool fcgi_io_finish(struct fcgi_io *io) MUST_CHECK;

/*
 * The answer is broken: nothing more is read or written, and finish drops
 * what was not sent and the connection.
 */
void fcgi_io_break(struct fcgi_io *io);
bool fcgi_io_is_broken(const struct fcgi_io *io);

/* The first one of that name; NULL if absent or empty. */
const char *fcgi_io_param(const struct fcgi_io *io, const char *name);

/*
 * Each one of that name, as headers in several lines come: *at_io is 0 for
 * the first call, and what the call before left for the others. NULL behind
 * the last one.
 */
const char *fcgi_io_next_param(
    const struct fcgi_io *io, const char *name, size_t *at_io);

/* Bytes read; 0 at the end of the body, < 0 when the peer went away. */
ssize_t fcgi_io_read(struct fcgi_io *io, void *p, size_t n);

/* The same of a short body, and not waiting for n bytes but for the first. */
ssize_t fcgi_io_read_some(struct fcgi_io *io, void *p, size_t n);

/* 0, or < 0 when the peer went away. */
int fcgi_io_write(struct fcgi_io *io, const void *p, size_t n);

#endif
