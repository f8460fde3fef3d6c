#include "common/base/base.h"
#include "tests/db/slow.h"

struct proxy *proxy;
struct db *slow;

void
slow_setup(void **state, const char *role)
{
	env_setup(state);
	proxy = proxy_start(env_socket("proxy"), env.conf.db_hosts);
	slow = env_db(role, env_socket("proxy"));
}

int
slow_teardown(void **state)
{
	db_free(&slow);
	proxy_stop(&proxy);
	return env_teardown(state);
}
