/*
 * What the programs of this node take by the configuration. The pools are
 * those of fcgi/<program>/main.c.
 */
#ifndef CLI_LOAD_H
#define CLI_LOAD_H

struct conf;

struct load {
	unsigned workers;
	unsigned threads; /* of all workers */
	unsigned connections; /* to the database, of all workers */
};

/* cores: workers of a pool that is configured as 0. */
struct load load_of(const struct conf *conf, unsigned cores);

#endif
