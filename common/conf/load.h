/*
 * What the programs of this node take by the configuration. The pools are
 * those of fcgi/<program>/main.c.
 */
#ifndef COMMON_CONF_LOAD_H
#define COMMON_CONF_LOAD_H

struct conf;

struct load {
	unsigned workers;
	unsigned threads; /* of all workers */
	unsigned connections; /* to the database, of all workers */
};

/* Processors of this machine, at least 1. */
unsigned load_cores(void);

/*
 * Of one program, "registry", "garant" or "api", which is also the role of its
 * database user; NULL: of all. cores: workers of a pool that is configured as
 * 0.
 */
struct load load_of(
    const struct conf *conf, const char *program, unsigned cores);

#endif
