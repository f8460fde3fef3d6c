/*
 * Does this node work as a whole? Each part is asked, and the answer is kept
 * for a moment: anybody may ask, and must not make work by it.
 */
#ifndef FCGI_API_HEALTH_H
#define FCGI_API_HEALTH_H

struct pool;

void health_start(void);
void health_stop(void);

/*
 * What is broken, for people, "" if nothing is: "registry storage, garant".
 * Parts: database, registry (one that does not answer), registry storage,
 * registry uploads, garant; and "draining" for a node that is to get no new
 * work. In pool memory.
 */
const char *health_check(struct pool *pool);

#endif
