/*
 * Against guessing: failed logins are counted for each pair of account name
 * and client address, and each failure beyond the third makes that address
 * wait longer for that name (1, 2, 4 .. 30 seconds). Other addresses are not
 * slowed, so nobody can shut an account out. Kept in the database: the same
 * on all replicas.
 */
#ifndef COMMON_MODEL_LOGIN_DELAY_H
#define COMMON_MODEL_LOGIN_DELAY_H

struct db;
struct err;
struct pool;

/* Microseconds that this pair has to wait now; 0: may try. */
int login_delay_get(struct db *db, struct pool *pool, const char *name,
    const char *address, int64_t *wait_us_out, struct err *err);

/* Counts a failure. */
int login_delay_fail(
    struct db *db, const char *name, const char *address, struct err *err);

/* Forgets the pair's failures after a good login. */
int login_delay_clear(
    struct db *db, const char *name, const char *address, struct err *err);

/*
 * Removes counts of nobody who failed within an hour, at most 1 000 at once;
 * *more_out: there may be more. Who tries one name after the other makes a row
 * with each.
 */
int login_delay_purge(struct db *db, bool *more_out, struct err *err);

#endif
