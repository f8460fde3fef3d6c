#include "common/base/base.h"
#include "tests/db/slow.h"

struct proxy *proxy;
struct db *slow;

void
slow_setup(void **state, const char *role)
{
	struct db_options options;

	env_setup(state);
	proxy = proxy_start(env_socket("proxy"), env.conf.db_hosts);
	options = env_options(role, env_socket("proxy"));
	/* the proxy stops between two statements */
	options.no_batches = true;
	slow = db_new(&options);
}

int
slow_teardown(void **state)
{
	db_free(&slow);
	proxy_stop(&proxy);
	return env_teardown(state);
}
