/*
 * The node's configuration, dtr.conf: facts of this node (paths, sockets,
 * database hosts). Everything that all replicas share is in the database
 * (model/setting). The keys are in conf_keys.def, which makes the structure,
 * the checks, `dtr conf` and the manual page.
 *
 * Form: "section.key = value" a line; "#" starts a comment line; blanks
 * around key and value are cut; a value is the rest of the line as it is. An
 * unknown key, a key twice, a value out of range, a line over 4096 bytes or
 * a control character is an error that names file and line, and the key if
 * the line has one. What no line tells alone is checked at the end
 * (conf_check.c). Read once, at start or reload.
 */
#ifndef COMMON_CONF_CONF_H
#define COMMON_CONF_CONF_H

struct err;
struct pool;
struct str;

#define CONF_TEXT(member, key, def, help) const char *member;
#define CONF_PATH(member, key, def, help) const char *member;
#define CONF_NUMBER(member, key, def, min, max, help) int64_t member;
#define CONF_SIZE(member, key, def, min, max, help) int64_t member;
#define CONF_CHOICE(member, key, def, choices, help) const char *member;
struct conf {
	const char *file; /* it was read from */
#include "common/conf/conf_keys.def"
};
#undef CONF_TEXT
#undef CONF_PATH
#undef CONF_NUMBER
#undef CONF_SIZE
#undef CONF_CHOICE

/*
 * While this file is in node.run_dir the node says to load balancers that it
 * is not ready, so that they turn to others; what comes is served as ever.
 */
#define CONF_DRAIN_FILE "drain"

/* The file used when none is named: $DTR_CONF or DTR_SYSCONFDIR/dtr.conf. */
const char *conf_default_file(void);

/* All defaults, for tests and `dtr init`; dir resolves relative paths. */
void conf_defaults(struct conf *conf, struct pool *pool, const char *dir);

/* Reads and checks the file; texts belong to the pool. */
int conf_load(struct conf *conf, struct pool *pool, const char *file,
    struct err *err);

/* The same from text; name stands for the file in errors (fuzzed). */
int conf_parse(struct conf *conf, struct pool *pool, const char *name,
    const char *text, size_t n, struct err *err);

/*
 * One key's table entry for printing: i counts from 0; false at the end.
 * *value_out is the effective value as text.
 */
bool conf_item(const struct conf *conf, struct pool *pool, size_t i,
    const char **key_out, const char **value_out, const char **help_out);

/* The table as mdoc items for dtr.conf(5). */
void conf_put_manual(struct str *out);

/*
 * The name of this registry as a service in challenges and tokens: host and
 * port of node.external_url.
 */
const char *conf_service(const struct conf *conf);

/*
 * Workers and threads of dtr-registry for short requests. A request waits
 * for the database most of its time, so a few threads of one process are
 * faster than many, which only get into each other's way; but a thread that
 * sends a large blob is taken until its client has it.
 */
unsigned conf_registry_workers(const struct conf *conf, unsigned cores);
unsigned conf_registry_threads(const struct conf *conf);

#endif
