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

/*
 * The same check by another version of the program, run as a child with "-n":
 * the running one puts into the environment what it runs with (NULL: takes it
 * back), and the child compares; 0 when there is nothing to compare with.
 */
void setup_tell_running(const struct setup *setup);
int setup_check_running(const struct setup *setup, struct err *err);

#endif
