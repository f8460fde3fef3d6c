/*
 * A responder program: a master that owns the sockets and watches worker
 * processes, each with threads that serve one request at a time. The
 * component says what it serves in a struct server and calls server_main().
 *
 * Signals of the master: TERM and INT drain and end, HUP reads the
 * configuration again and changes to new workers while the old ones drain,
 * USR2 replaces the program (an upgrade) without closing a socket. A worker
 * that dies is replaced, with growing pauses if it dies at once.
 *
 * Sockets: bound by the master, or inherited: descriptor 0 (spawn-fcgi) or
 * LISTEN_FDS (systemd), one for each pool in order.
 */
#ifndef FCGI_CORE_SERVER_H
#define FCGI_CORE_SERVER_H

#include "fcgi/core/req.h"
#include "fcgi/core/route.h"

struct conf;
struct err;

/* Workers that share a socket, so that slow requests cannot starve others. */
struct server_pool {
	const char *name;
	const char *socket;
	unsigned workers; /* 0: one for each core */
	unsigned threads;
};

#define SERVER_POOLS_MAX 4
/* less than what the master waits after the drain's deadline */
#define SERVER_FINISH_S 3

struct server {
	const char *program; /* "dtr-registry" */
	const char *version;
	const struct route *routes;
	size_t route_count;
	/* metrics of the component beside the core's own, see metrics.h */
	const struct metric *metrics;
	size_t metric_count;

	/* The program's pools by its configuration; returns their number. */
	size_t (*pools)(
	    const struct conf *conf, struct server_pool pools[SERVER_POOLS_MAX]);
	/* Is a configuration good, beyond what conf_load() asks? (may be NULL) */
	int (*check)(const struct conf *conf, struct err *err);
	/* Once in each worker before its threads; conf lives as long. */
	int (*start)(const struct conf *conf, struct err *err);
	/*
	 * Once in each worker that ends: writes down what its requests left in
	 * memory, within SERVER_FINISH_S seconds. Requests past the drain's
	 * deadline still run, so it frees nothing that they use. false: it is
	 * not done, and the process ends without stop() (may be NULL).
	 */
	bool (*finish)(void);
	/* Once in each worker after its last request, and after finish(). */
	void (*stop)(void);
	/*
	 * Before each handler: may this caller do that? 0, or E_UNAUTH,
	 * E_DENIED, E_BUSY ("could not find out").
	 */
	int (*authorize)(struct req *req, int permission, struct err *err);
	/* Answers with the error in the component's form (status is set). */
	void (*put_error)(struct req *req, const struct err *err);
	/* Added to every answer before it is made (may be NULL). */
	void (*prepare)(struct req *req);
	/* For /readyz: 0 when the parts it needs are up, else server_lacks(). */
	int (*ready)(struct err *err);
	/*
	 * Does the program get what it is configured to take? Asked by one
	 * worker of a start or reload, on the thread that ticks, until it is
	 * known: E_LIMIT, the answer "no", is logged as a warning (may be
	 * NULL).
	 */
	int (*check_limits)(struct err *err);
	/* About once a second on a thread of its own (may be NULL). */
	void (*tick)(void);
};

/* main() of a responder; returns its exit code (0, 1 fault, 2 usage). */
int server_main(const struct server *server, int argc, char **argv);

/* Is CONF_DRAIN_FILE there? /readyz says "draining" (503) then. */
bool server_is_draining(struct pool *pool);

/*
 * For ready(): this part (a static text) is why. It is put before the text,
 * which is for people; programs read it alone in a header of /readyz.
 * Returns err->code.
 */
int server_lacks(struct err *err, const char *part);

/* That header, and parts that have a meaning beyond one program. */
#define SERVER_LACKS    "Dtr-Lacks"
#define SERVER_DATABASE "database"
#define SERVER_STORAGE  "storage"
#define SERVER_DRAINING "draining"

#endif
