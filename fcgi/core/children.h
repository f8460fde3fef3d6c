/*
 * The workers of a master: started, watched, replaced. One master, so the
 * table is in the file; nothing here is called in a worker.
 */
#ifndef FCGI_CORE_CHILDREN_H
#define FCGI_CORE_CHILDREN_H

#include "fcgi/core/server.h"

struct conf;
struct handover;
struct socket;

/* What a worker gets from its master. */
struct children_origin {
	const struct server *server;
	const struct conf *conf;
	const struct server_pool *pools;
	const struct socket *sockets;
	size_t pool_count;
	int signal_fd; /* closed in the worker */
};

/*
 * Starts all workers that the configuration asks for, and when all are ready
 * tells those that were there before to give their connections away and end.
 * False: one of the new ones cannot serve; all new ones are ended and the old
 * ones go on.
 */
bool children_replace(const struct children_origin *origin);

/* Takes note of the ended ones; who was not told to end is started again. */
void children_reap(void);

/*
 * Starts those whose time has come; returns the milliseconds until the next
 * one, -1 if none waits.
 */
int children_restart_due(const struct children_origin *origin);

/* Plans the start of as many as the configuration asks for and that are not
 * there. */
void children_fill(const struct children_origin *origin);

/* Tells all to end. */
void children_stop(void);

bool children_are_alive(void);

/* Ends those that do not end by themselves. */
void children_kill(void);

/* The living ones for an upgrade, and from the program before. */
void children_hand_over(struct handover *h);
void children_adopt(const struct handover *h);

#endif
