/*
 * The open connections of a worker. One epoll set holds the listening socket
 * and every connection that waits for its next request; all threads wait in
 * it, and whoever is woken serves one request and gives the connection back.
 * So an idle connection costs no thread, and the web server may keep as many
 * as it likes (ARCHITECTURE.md, "Keep-alive").
 *
 * A worker that ends hands its idle connections to the workers that take its
 * place, so that the web server notices nothing: it would else send a request
 * on a connection in the moment it is closed.
 */
#ifndef FCGI_CORE_CONNS_H
#define FCGI_CORE_CONNS_H

struct conns;

struct conns_sockets {
	int listen_fd; /* not blocking, as take_fd */
	int take_fd;   /* where connections arrive from other workers */
	int give_fd;   /* where they are sent to; waits a short time only */
};

/* A connection that belongs to the calling thread. */
struct conn {
	int fd;
	/* the rest belongs to conns.c */
	bool is_parked;
	bool is_watched; /* the set knows the descriptor */
	uint32_t index;
	uint32_t generation;
	struct conn *newer; /* among the parked ones */
	struct conn *older; /* also chains the free ones */
};

/* At most max open connections; beyond, the longest idle one is closed. */
struct conns *conns_new(const struct conns_sockets *sockets, size_t max);
void conns_free(struct conns **conns);

/* Waits for a connection with something to read; NULL: end the thread. */
struct conn *conns_next(struct conns *conns);

/* It is idle and waits for its next request. */
void conns_park(struct conns *conns, struct conn *conn);

/* Its descriptor was closed. */
void conns_drop(struct conns *conns, struct conn *conn);

/*
 * To be called now and then: gives idle connections whose request waits, since
 * all threads here are busy, to whichever worker of the pool has one free.
 */
void conns_share(struct conns *conns);

/*
 * Takes no new connections from here on. Idle ones are handed to other
 * workers, or closed. Threads end when what has arrived already is served.
 */
void conns_drain(struct conns *conns, bool hand_over);

#endif
