#include "common/base/base.h"
#include "common/model/connections.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/conf/conf.h"
#include "common/conf/load.h"
#include "common/model/model.h"
#include "common/model/q.h"

#define MEMORY_MAX ((size_t)16 << 10)

bool
connections_fit_server(unsigned wanted, int64_t max_connections)
{
	return wanted < max_connections;
}

bool
connections_fit_user(unsigned wanted, int64_t max_user_connections)
{
	return max_user_connections == 0 || wanted <= max_user_connections;
}

static int
compare(const struct conf *conf, const char *role, int64_t of_server,
    int64_t of_user, struct err *err)
{
	unsigned cores = load_cores();
	unsigned all = load_of(conf, NULL, cores).connections;
	unsigned own = load_of(conf, role, cores).connections;

	if (!connections_fit_server(all, of_server))
		return err_set(err, E_LIMIT,
		    "the programs of this node open up to %u connections to "
		    "the database, its max_connections is %" PRId64
		    "; " CONNECTIONS_ADVICE,
		    all, of_server);
	if (!connections_fit_user(own, of_user))
		return err_set(err, E_LIMIT,
		    "this program opens up to %u connections to the database, "
		    "max_user_connections of its user \"%s_%s\" is %" PRId64
		    "; " CONNECTIONS_ADVICE,
		    own, conf->db_name, role, of_user);
	return 0;
}

int
connections_check(
    struct db *db, const struct conf *conf, const char *role, struct err *err)
{
	struct pool *pool = pool_new(MEMORY_MAX);
	struct db_rows rows;
	int rc = db_select(db, pool, Q_CONNECTIONS_GRANTED, &rows, err);

	if (rc == 0)
		rc = compare(conf, role, db_cell(&rows, 0, 0)->i,
		    db_cell(&rows, 0, 1)->i, err);
	pool_free(&pool);
	return rc;
}
