/*
 * A role's database as it is seen over a bad network: the tests' server,
 * reached through a proxy of the test's own.
 */
#ifndef TESTS_DB_SLOW_H
#define TESTS_DB_SLOW_H

#include "tests/db/env.h"
#include "tests/db/proxy.h"

extern struct proxy *proxy;
extern struct db *slow; /* through the proxy */

/* env_setup() and teardown with these; the role is one of env_db(). */
void slow_setup(void **state, const char *role);
int slow_teardown(void **state);

#endif
