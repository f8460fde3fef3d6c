/* Tables and statements of these tests' own, reached through a proxy. */
#ifndef TESTS_DB_OWN_H
#define TESTS_DB_OWN_H

#include "tests/db/env.h"
#include "tests/db/proxy.h"

enum own_stmt {
	OWN_INSERT, /* id, n */
	OWN_GET, /* id: n */
	OWN_FIND, /* id: n and a text of as many letters */
	OWN_FIND_MANY, /* the same for db_lookup() */
	OWN_ADD, /* what, id */
	OWN_CHILD, /* id, parent's id */
	OWN_HURRY, /* wait a second at most for locks */
	OWN_CONNECTION, /* its id */
	OWN_SESSION, /* what was set for the session */
	OWN_CELLS, /* a value of every kind */
	OWN_MANY, /* a lot of rows */
	OWN_ECHO, /* a parameter, and its length */
	OWN_SUM,
	OWN_COUNT,
};

struct own {
	struct proxy *proxy;
	const char *address; /* of the proxy */
	struct db *db;
};
extern struct own own;

/* Empty tables own_row(id, n) and own_child(id, row_id). */
int own_setup(void **state);
int own_teardown(void **state);

/*
 * Inserts row id and adds one to row 1; ids are made before, as db.h says.
 * What the function saw, and what it returns at its end.
 */
struct own_run {
	unsigned runs;
	unsigned reruns; /* in which an earlier one may have been committed */
	int id;
	int code;
};
int own_insert_tx(struct db_tx *tx, void *run, struct err *err);
int own_insert(struct own_run *run);

#define OWN_TEST(name) \
	cmocka_unit_test_setup_teardown(name, own_setup, own_teardown)

struct db_options own_options(const char *hosts);
/* What row id has, -1 if it is not there; by another connection. */
int64_t own_row(int64_t id);

#endif
