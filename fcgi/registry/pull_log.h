/*
 * Pulls, collected in memory and written in batches: a pull costs no
 * statement, and equal ones of a few seconds are one row. What was collected
 * is written every few seconds and at the end of the process; a database that
 * is away is waited for while there is room. What is not written is counted
 * (registry_pulls_lost_total) and logged.
 */
#ifndef FCGI_REGISTRY_PULL_LOG_H
#define FCGI_REGISTRY_PULL_LOG_H

struct manifest;
struct req;

/* With a thread of its own, which writes. */
void pull_log_start(void);

/* This request got the manifest. tag NULL: it asked by digest. Any thread. */
void pull_log_add(
    struct req *req, const struct manifest *manifest, const char *tag);

/*
 * Writes what is left, within SERVER_FINISH_S seconds; what requests that go
 * on add after that is lost. false: its thread is not done, and still uses
 * the database's connections.
 */
bool pull_log_stop(void);

#endif
