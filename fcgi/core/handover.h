/*
 * What an upgrade hands to the program that goes on in the same process: its
 * sockets and the workers, which are to be replaced, as text in the variable
 * DTR_HANDOVER. Two versions meet here: the form is read strictly, and what
 * is not understood is not taken over.
 *
 *	<pid>;<listen>,<take>,<give>,<ours>;...;/<pid>,<pool>,<drains>;...
 */
#ifndef FCGI_CORE_HANDOVER_H
#define FCGI_CORE_HANDOVER_H

#include "fcgi/core/metrics_private.h"
#include "fcgi/core/server.h"
#include "fcgi/core/socket.h"

struct handover {
	pid_t pid; /* the process that it is for */
	struct socket sockets[SERVER_POOLS_MAX];
	size_t socket_count;
	struct handover_worker {
		pid_t pid;
		size_t pool;
		bool drains; /* it was told to end */
	} workers[METRICS_SLOTS];
	size_t worker_count;
};

void handover_format(const struct handover *h, struct str *out);

/* false if malformed; then nothing is to be used of it. */
bool handover_parse(struct handover *out, const char *text);

/* Into the environment, and the descriptors stay open over exec(). */
void handover_put(const struct handover *h);
/* Takes that back when exec() failed. */
void handover_cancel(const struct handover *h);

/*
 * From the environment, where it is removed; false if there is none for this
 * process. Sockets that do not listen and workers that are no children of
 * ours are left out.
 */
bool handover_take(struct handover *out);

#endif
