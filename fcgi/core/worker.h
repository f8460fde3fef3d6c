/*
 * A worker process: threads that serve requests from one listening socket.
 *
 * All threads wait in one epoll set for the socket and for connections that
 * the web server keeps open; whoever is woken serves one request and gives
 * the connection back to the set. So an idle connection costs no thread, and
 * the web server may keep as many as it likes (ARCHITECTURE.md, "Keep-alive").
 */
#ifndef FCGI_CORE_WORKER_H
#define FCGI_CORE_WORKER_H

struct conf;
struct server;
struct server_pool;

struct worker {
	const struct server *server;
	const struct conf *conf;
	const struct server_pool *pool;
	int listen_fd;
	int ready_fd; /* a byte is written when requests are served */
	size_t slot;  /* of the metrics */
};

/* Serves until TERM; returns the exit code of the process. */
int worker_main(const struct worker *worker);

#endif
