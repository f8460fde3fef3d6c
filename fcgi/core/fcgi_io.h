/*
 * The wire: one FastCGI connection at a time for a thread (the only user of
 * libfcgi). A connection is given in and taken out by its descriptor, so
 * that idle ones can be parked without a thread (worker.c).
 */
#ifndef FCGI_CORE_FCGI_IO_H
#define FCGI_CORE_FCGI_IO_H

struct fcgi_io;

/* Once in a process, before its threads. */
void fcgi_io_init_process(void);

/* One for each thread. */
struct fcgi_io *fcgi_io_new(void);
void fcgi_io_free(struct fcgi_io **io);

/*
 * Reads the next request's parameters from the connection; false when the
 * peer closed it or sent nonsense: the descriptor is closed then.
 */
bool fcgi_io_accept(struct fcgi_io *io, int fd);

/*
 * Ends the request. Returns the descriptor when the peer keeps the
 * connection and nothing of this request is left in it, else -1 (closed).
 */
int fcgi_io_finish(struct fcgi_io *io);

/* Close the connection behind the answer: its body was not wanted. */
void fcgi_io_close_after(struct fcgi_io *io);

/* Never reuse this connection: the answer is broken. */
void fcgi_io_break(struct fcgi_io *io);

const char *fcgi_io_param(const struct fcgi_io *io, const char *name);

/* Bytes read; 0 at the end of the body, < 0 when the peer went away. */
ssize_t fcgi_io_read(struct fcgi_io *io, void *p, size_t n);

/* 0, or < 0 when the peer went away. */
int fcgi_io_write(struct fcgi_io *io, const void *p, size_t n);

#endif
