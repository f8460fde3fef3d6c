#include "common/base/base.h"
#include "common/model/model.h"

#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/pool.h"
#include "common/base/rand.h"
#include "common/base/time.h"
#include "common/conf/conf.h"
#include "common/model/q.h"

#define TRIES_MAX 8
#define PAUSE_US  1000U /* at most, before the second try; doubles */

int
model_options(const struct conf *conf, struct pool *pool, const char *role,
    struct db_options *out, struct err *err)
{
	const char *file =
	    pool_printf(pool, "%s/db-%s", conf->secrets_dir, role);
	char *password;
	int rc = io_read_secret(pool, file, &password, err);

	if (rc < 0)
		return err_prefix(err, "password of the database user");
	*out = (struct db_options){
		.hosts = conf->db_hosts,
		.database = conf->db_name,
		.user = pool_printf(pool, "%s_%s", conf->db_name, role),
		.password = password,
		.ca_file = conf->db_ca,
		.connections = (unsigned)conf->db_connections,
		.wait_ms = (unsigned)conf->db_wait_ms,
		.sync_wait = true,
		.stmts = q_stmts,
		.stmt_count = Q_COUNT,
	};
	return 0;
}

int
model_check_conf(const struct conf *conf, struct err *err)
{
	return db_check_hosts(conf->db_hosts, err);
}

int
model_open(
    const struct conf *conf, const char *role, struct db **out, struct err *err)
{
	struct pool *pool = pool_new(1 << 20);
	struct db_options options;
	int rc = model_options(conf, pool, role, &options, err);

	if (rc == 0)
		*out = db_new(&options);
	pool_free(&pool);
	return rc;
}

struct oci_digest
model_digest(
    const struct db_rows *rows, size_t row, size_t algorithm, size_t bytes)
{
	struct oci_digest digest = { .algorithm = DIGEST_SHA256 };
	const struct db_cell *cell = db_cell(rows, row, bytes);

	if (db_cell(rows, row, algorithm)->i == DIGEST_SHA512)
		digest.algorithm = DIGEST_SHA512;
	ASSERT(cell->n == digest_size(digest.algorithm));
	memcpy(digest.bytes, cell->p, cell->n);
	return digest;
}

int
model_again(struct err *err)
{
	return err_set(err, E_CONFLICT, "somebody else changed it meanwhile");
}

int
model_txn(struct db *db, db_tx_fn *fn, void *context, struct err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < TRIES_MAX; i++) {
		if (i > 0)
			time_sleep_us(rand_below(PAUSE_US << i));
		rc = db_txn(db, fn, context, err);
		/* a conflict with a reason is fn's own verdict */
		if ((rc != E_EXISTS && rc != E_CONFLICT) ||
		    err->reason != NULL)
			return rc;
	}
	return err_set(err, E_BUSY, "lost too many races, try again");
}
