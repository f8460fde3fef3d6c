/* The listening sockets of a program, and the rights it goes on with. */
#ifndef FCGI_CORE_SOCKET_H
#define FCGI_CORE_SOCKET_H

struct err;
struct server_pool;

/*
 * Opens the unix sockets, or takes over those of the program before
 * (handover, may be NULL), of systemd (LISTEN_FDS) or of spawn-fcgi
 * (descriptor 0, for the first). Refuses a path where another program
 * listens; removes one that nobody uses.
 */
int socket_open_all(const char *const *paths, size_t count,
    const char *handover, int *fds_out, struct err *err);

/*
 * When root and a user is configured: gives the sockets and the run folder
 * to him and becomes him for good.
 */
int socket_become(const char *user, const char *run_dir,
    const struct server_pool *pools, size_t count, struct err *err);

#endif
