/* The sockets of a program, and the rights it goes on with. */
#ifndef FCGI_CORE_SOCKET_H
#define FCGI_CORE_SOCKET_H

#include "fcgi/core/conns.h"

struct err;
struct server_pool;

/* What the workers of one pool share. */
struct socket {
	struct conns_sockets fds;
	bool is_ours; /* we made its path, so we remove it */
};

/*
 * Opens a listening socket for each pool but those that are open already
 * (listen_fd >= 0): one that systemd (LISTEN_FDS) or spawn-fcgi (descriptor
 * 0, for the first) opened, or a new one at the pool's path. Refuses a path
 * where another program listens; replaces a socket that nobody uses.
 */
int socket_open_all(struct socket *sockets, const struct server_pool *pools,
    size_t count, struct err *err);

/* Closes them and removes the paths that are ours. */
void socket_close_all(
    struct socket *sockets, const struct server_pool *pools, size_t count);

/* Is it a socket that listens? */
bool socket_is_listening(int fd);

/*
 * When root and a user is configured: gives the sockets and the run folder
 * to him and becomes him for good.
 */
int socket_become(const char *user, const char *run_dir,
    const struct socket *sockets, const struct server_pool *pools,
    size_t count, struct err *err);

#endif
