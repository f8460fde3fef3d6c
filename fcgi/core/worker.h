/*
 * A worker process: threads that serve requests from one listening socket.
 *
 * Signals from the master: TERM ends it when the running requests are
 * answered; USR1 too, but others go on in its place and get its idle
 * connections.
 */
#ifndef FCGI_CORE_WORKER_H
#define FCGI_CORE_WORKER_H

#include <signal.h>

#include "fcgi/core/conns.h"

struct conf;
struct server;
struct server_pool;

#define WORKER_STOP SIGTERM
#define WORKER_REPLACED SIGUSR1

struct worker {
	const struct server *server;
	const struct conf *conf;
	const struct server_pool *pool;
	struct conns_sockets sockets;
	int ready_fd; /* a byte is written when requests are served; or -1 */
	size_t slot;  /* of the metrics */
	bool is_first; /* of its master's start or reload */
};

/* Open files that a worker of so many threads may need. */
size_t worker_files(unsigned threads);

/* Serves until told to end; returns the exit code of the process. */
int worker_main(const struct worker *worker);

#endif
