/*
 * Do the pools of connections fit what the database server grants? They are
 * filled when there is much to do, so a server that grants too few refuses
 * just then.
 */
#ifndef COMMON_MODEL_CONNECTIONS_H
#define COMMON_MODEL_CONNECTIONS_H

struct conf;
struct db;
struct err;

/* What to do when they do not. */
#define CONNECTIONS_ADVICE \
 "raise it or lower database.connections or the workers"

/* Of all programs of a node; one is left for an administrator. */
bool connections_fit_server(unsigned wanted, int64_t max_connections);
/* Of the programs that log in as this user. */
bool connections_fit_user(unsigned wanted, int64_t max_user_connections);

/*
 * Asks the server, as the program of this role ("registry", "garant", "api"):
 * 0, E_LIMIT with what is too low, or that it could not be found out.
 */
int connections_check(
    struct db *db, const struct conf *conf, const char *role, struct err *err);

#endif
