/*
 * A pool and an err, made anew for each test: for programs that need nothing
 * else. Those that do have a setup of their own.
 */
#ifndef TESTS_UNIT_POOL_FIXTURE_H
#define TESTS_UNIT_POOL_FIXTURE_H

#include "common/base/err.h"
#include "common/base/pool.h"
#include "tests/unit/unit.h"

static struct pool *pool;
static struct err err UNUSED;

static int
pool_setup(void **state UNUSED)
{
	err_clear(&err);
	pool = pool_new((size_t)256 << 20);
	return 0;
}

static int
pool_teardown(void **state UNUSED)
{
	pool_free(&pool);
	return 0;
}

#define POOL_TEST(name) \
	cmocka_unit_test_setup_teardown(name, pool_setup, pool_teardown)

#endif
