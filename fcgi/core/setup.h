/* A configuration as a responder uses it, read and checked as a whole. */
#ifndef FCGI_CORE_SETUP_H
#define FCGI_CORE_SETUP_H

#include "common/conf/conf.h"
#include "fcgi/core/server.h"

struct err;
struct pool;

struct setup {
	struct pool *memory;
	struct conf conf;
	struct server_pool pools[SERVER_POOLS_MAX];
	size_t pool_count;
};

/* Reads the file; NULL with err filled if it cannot be used. */
struct setup *setup_load(
    const struct server *server, const char *file, struct err *err);
void setup_free(struct setup **setup);

/*
 * What cannot change while the program runs: its sockets, its user, its run
 * folder.
 */
int setup_check_change(
    const struct setup *before, const struct setup *after, struct err *err);

#endif
