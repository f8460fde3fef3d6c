/*
 * What all of the model shares. One file for each table family holds its
 * structure and verbs; SQL is called here, and where dtr sets up and checks a
 * database. Reads take the
 * pool of connections; writes run in transactions of their own and return
 * when they are committed.
 */
#ifndef COMMON_MODEL_MODEL_H
#define COMMON_MODEL_MODEL_H

#include "common/db/db.h"
#include "common/oci/oci_digest.h"

struct conf;
struct err;
struct pool;

/*
 * The connection pool of a program: user "<database>_<role>", password from
 * the secret file "db-<role>". role: "registry", "garant", "owner" (the dtr
 * command). Never connects by itself.
 */
int model_open(
    const struct conf *conf, const char *role, struct db **out, struct err *err);

/* What model_open() will need of a configuration: E_INVALID if it is wrong. */
int model_check_conf(const struct conf *conf, struct err *err);

/* The options that model_open() uses; texts belong to the pool. */
int model_options(const struct conf *conf, struct pool *pool, const char *role,
    struct db_options *out, struct err *err);

/*
 * db_txn() for functions that lose races: fn returns E_EXISTS or E_CONFLICT
 * from a statement, or model_again(), when somebody else changed what it had
 * read, and is then run again from the start, a few times with pauses. An
 * error with a reason is its own verdict and returned at once.
 */
int model_txn(struct db *db, db_tx_fn *fn, void *context, struct err *err);
int model_again(struct err *err);

/* A digest from two columns of a row: its algorithm and its bytes. */
struct oci_digest model_digest(const struct db_rows *rows, size_t row,
    size_t algorithm, size_t bytes);

#endif
