/* Names of hosts in the configuration: pure functions. */
#ifndef CLI_HOSTS_H
#define CLI_HOSTS_H

struct pool;

/* The host of "https://host:port", without brackets; NULL if there is none. */
const char *hosts_of_url(struct pool *pool, const char *url);

/* Entry i of a list separated by commas, without blanks; NULL at its end. */
const char *hosts_item(struct pool *pool, const char *list, size_t i);

/* Is this entry of database.hosts a socket or a loopback address? */
bool hosts_is_local(const char *entry);

/* Are all entries? */
bool hosts_are_local(struct pool *pool, const char *list);

#endif
