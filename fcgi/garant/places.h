/*
 * Places among the password checks that a process runs at once, each of which
 * takes a core for a while, and among those that wait for one. Nobody gets
 * more than half of them, whatever names he tries: a guest is an address, of
 * IPv6 its first 64 bits.
 */
#ifndef FCGI_GARANT_PLACES_H
#define FCGI_GARANT_PLACES_H

/* Before the first thread: so many run and so many more may wait. */
void places_start(unsigned running, unsigned waiting);
void places_stop(void);

/* Waits up to three seconds. True: a place is taken, until places_give(). */
bool places_take(const char *address);
void places_give(const char *address);

#endif
