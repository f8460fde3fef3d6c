#include "common/base/base.h"
#include "common/model/schema.h"

#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/num.h"
#include "common/base/pool.h"
#include "common/base/rand.h"
#include "common/base/time.h"
#include "common/model/migration.h"
#include "common/model/model.h"

#define LEASE_S 60
#define WAIT_MAX_US (600 * TIME_SECOND)
#define TOKEN_BYTES 8
#define RUN_TRIES    20
#define RUN_PAUSE_US (TIME_SECOND / 20)
#define LOCK_PREFIX "dtr.migrate."

static const char table_text[] =
    "CREATE TABLE IF NOT EXISTS schema_version (\n"
    "    id TINYINT NOT NULL,\n"
    "    version INT NOT NULL COMMENT 'last complete migration',\n"
    "    step INT NOT NULL COMMENT 'statements done of the next one',\n"
    "    claimed_by VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin "
    "NOT NULL DEFAULT '',\n"
    "    claim_until DATETIME(6) NOT NULL,\n"
    "    PRIMARY KEY (id)\n"
    ") ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;\n"
    "INSERT IGNORE INTO schema_version (id, version, step, claimed_by, "
    "claim_until) VALUES (1, 0, 0, '', '1970-01-01 00:00:00');\n";

struct migrator {
	struct db_admin *admin;
	struct pool *pool;
	const char *server; /* whose connection it is; NULL: no locks */
	const char *token; /* server and random digits */
	int64_t version; /* last complete migration */
	int64_t step; /* statements done of the next one */
};

/*
 * Each statement is a transaction of its own and may be run again when it
 * met one of another node (1213), or waited for it too long.
 */
static int
run(struct migrator *m, const char *text, struct err *err)
{
	for (int i = 1;; i++) {
		int rc = db_admin_run(m->admin, text, err);
		unsigned number = db_admin_errno(m->admin);

		if (rc == 0 || (number != 1213 && number != 1205) ||
		    i == RUN_TRIES)
			return rc;
		time_sleep_us(RUN_PAUSE_US);
	}
}

static int
ask_number(struct db_admin *admin, struct pool *pool, const char *query,
    int64_t *out, struct err *err)
{
	const char *text;
	int rc = db_admin_ask(admin, pool, query, &text, err);

	if (rc < 0)
		return rc;
	if (text == NULL || !num_parse_range(text, 0, INT_MAX, out))
		return err_set(err, E_INTERNAL, "odd answer to \"%s\"", query);
	return 0;
}

static int
wanted_version(void)
{
	return migration_steps[migration_step_count - 1].version;
}

int
schema_version(struct db_admin *admin, struct pool *pool, int *current_out,
    int *wanted_out, struct err *err)
{
	int64_t there, version = 0;
	int rc = ask_number(admin, pool,
	    "SELECT COUNT(*) FROM information_schema.tables WHERE "
	    "table_schema = DATABASE() AND table_name = 'schema_version'",
	    &there, err);

	if (rc == 0 && there > 0)
		rc = ask_number(admin, pool,
		    "SELECT COALESCE(MAX(version), 0) FROM schema_version",
		    &version, err);
	*current_out = (int)version;
	*wanted_out = wanted_version();
	return rc;
}

/*
 * Who migrates holds a lock that the server drops with his connection, so
 * that others at this server know at once when he is gone, and wait for a
 * statement of hours while he is not. It does not reach other servers of a
 * cluster: there the lease counts, and TOI lets nobody pass a statement. Some
 * clusters refuse such locks; then the lease counts at this server, too.
 */
static int
start_claims(struct migrator *m, struct err *err)
{
	unsigned char bytes[TOKEN_BYTES];
	char digits[ENC_HEX_SIZE(TOKEN_BYTES)];
	const char *value = NULL;
	int rc = db_admin_ask(m->admin, m->pool,
	    "SELECT LEFT(MD5(CONCAT_WS('/', @@hostname, @@port, @@datadir)), "
	    "8)",
	    &m->server, err);

	if (rc < 0)
		return rc;
	rand_bytes(bytes, sizeof(bytes));
	enc_put_hex(digits, bytes, sizeof(bytes));
	m->token = pool_printf(m->pool, "%s%s", m->server, digits);
	rc = db_admin_ask(m->admin, m->pool,
	    pool_printf(
		m->pool, "SELECT GET_LOCK('" LOCK_PREFIX "%s', 0)", m->token),
	    &value, err);
	if (rc == E_BUSY)
		return rc;
	if (rc < 0 || value == NULL || strcmp(value, "1") != 0) {
		err_clear(err);
		m->server = NULL;
		m->token = pool_strdup(m->pool, digits);
	}
	return 0;
}

/* The claim that may be replaced by ours, NULL while another one stands. */
static int
find_free(struct migrator *m, const char **claim_out, struct err *err)
{
	const char *silent = "claim_until < UTC_TIMESTAMP(6)";

	if (m->server != NULL)
		silent = pool_printf(m->pool,
		    "IF(claimed_by LIKE '%s%%', IS_FREE_LOCK(CONCAT("
		    "'" LOCK_PREFIX "', claimed_by)) = 1, %s)",
		    m->server, silent);
	return db_admin_ask(m->admin, m->pool,
	    pool_printf(m->pool,
		"SELECT claimed_by FROM schema_version WHERE id = 1 AND "
		"(claimed_by IN ('', '%s') OR %s)",
		m->token, silent),
	    claim_out, err);
}

/* 1 it is ours now, 0 another one has it */
static int
try_claim(struct migrator *m, struct err *err)
{
	const char *old, *owner;
	int rc = find_free(m, &old, err);

	if (rc < 0 || old == NULL)
		return rc;
	rc = run(m,
	    pool_printf(m->pool,
		"UPDATE schema_version SET claimed_by = '%s', claim_until = "
		"UTC_TIMESTAMP(6) + INTERVAL %d SECOND WHERE id = 1 AND "
		"claimed_by = %s",
		m->token, LEASE_S, db_admin_quote(m->admin, m->pool, old)),
	    err);
	if (rc == 0)
		rc = db_admin_ask(m->admin, m->pool,
		    "SELECT claimed_by FROM schema_version WHERE id = 1",
		    &owner, err);
	if (rc < 0)
		return rc;
	return owner != NULL && strcmp(owner, m->token) == 0;
}

static int
claim(struct migrator *m, struct err *err)
{
	int64_t until = time_monotonic_us() + WAIT_MAX_US;

	for (;;) {
		int rc = try_claim(m, err);

		if (rc != 0)
			return rc < 0 ? rc : 0;
		if (time_monotonic_us() > until)
			return err_set(err, E_BUSY,
			    "another node is migrating the database; wait "
			    "for it, then try again");
		time_sleep_us(TIME_SECOND / 2);
	}
}

/* a statement that an earlier run did and could not record any more: the
 * table, column, key or constraint is there (or gone) already */
static bool
is_done_before(unsigned number)
{
	static const unsigned numbers[] = { 1050, 1060, 1061, 1091, 1826,
		1022 };

	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		if (numbers[i] == number)
			return true;
	return false;
}

static bool
is_last_step(size_t i)
{
	return i + 1 == migration_step_count ||
	    migration_steps[i + 1].version != migration_steps[i].version;
}

/* How far is the database? E_CONFLICT for a newer one. */
static int
read_progress(struct migrator *m, struct err *err)
{
	int rc = ask_number(m->admin, m->pool,
	    "SELECT version FROM schema_version WHERE id = 1", &m->version,
	    err);

	if (rc == 0)
		rc = ask_number(m->admin, m->pool,
		    "SELECT step FROM schema_version WHERE id = 1", &m->step,
		    err);
	if (rc == 0 && m->version > wanted_version())
		return err_set(err, E_CONFLICT,
		    "the database has schema %" PRId64 ", this program knows "
		    "%d; use a newer program",
		    m->version, wanted_version());
	return rc;
}

static bool
is_done(const struct migrator *m, const struct migration_step *s)
{
	return s->version <= m->version ||
	    (s->version == m->version + 1 && s->step <= m->step);
}

/* Small transactions: the programs work meanwhile, and Galera wants no large
 * ones. */
static int
run_batches(
    struct migrator *m, const struct migration_step *step, struct err *err)
{
	int64_t changed = 0;
	int rc;

	do {
		rc = claim(m, err);
		if (rc == 0)
			rc = run(m, step->text, err);
		if (rc == 0)
			rc = ask_number(m->admin, m->pool, "SELECT ROW_COUNT()",
			    &changed, err);
	} while (rc == 0 && changed > 0);
	return rc;
}

static int
run_step(struct migrator *m, size_t i, struct err *err)
{
	const struct migration_step *step = &migration_steps[i];
	bool last = is_last_step(i);
	int rc =
	    step->repeats ? run_batches(m, step, err) : run(m, step->text, err);

	if (rc < 0 && !is_done_before(db_admin_errno(m->admin)))
		return err_prefix(err, "migration %d (%s), statement %d",
		    step->version, step->name, step->step);
	return run(m,
	    pool_printf(m->pool,
		"UPDATE schema_version SET version = %d, step = %d WHERE "
		"id = 1 AND claimed_by = '%s'",
		last ? step->version : step->version - 1, last ? 0 : step->step,
		m->token),
	    err);
}

/* The claim is renewed before each step; who lost it meanwhile goes on behind
 * what the other one did. */
static int
run_all(struct migrator *m, void (*progress)(int, const char *),
    struct err *err)
{
	int rc = read_progress(m, err);

	for (size_t i = 0; rc == 0 && i < migration_step_count; i++) {
		const struct migration_step *s = &migration_steps[i];

		/* older programs may have made rows since */
		if (is_done(m, s) && s->repeats)
			rc = run_batches(m, s, err);
		if (rc < 0 || is_done(m, s))
			continue;
		rc = claim(m, err);
		if (rc == 0)
			rc = read_progress(m, err);
		if (rc < 0 || is_done(m, s))
			continue;
		if (progress != NULL && s->step == 1)
			progress(s->version, s->name);
		rc = run_step(m, i, err);
	}
	return rc;
}

static void
end_claim(struct migrator *m)
{
	struct err ignored;

	/* whoever waits need not wait for the lease */
	if (run(m,
		pool_printf(m->pool,
		    "UPDATE schema_version SET claimed_by = '', claim_until "
		    "= '1970-01-01 00:00:00' WHERE claimed_by = '%s'",
		    m->token),
		&ignored) < 0)
		err_clear(&ignored);
}

int
schema_migrate(const struct db_options *owner, struct pool *pool,
    void (*progress)(int version, const char *name), struct err *err)
{
	struct migrator m = { .pool = pool };
	int rc = db_admin_open(&m.admin, owner, err);

	if (rc == 0)
		rc = run(&m, table_text, err);
	if (rc == 0)
		rc = start_claims(&m, err);
	if (rc == 0) {
		rc = run_all(&m, progress, err);
		end_claim(&m);
	}
	db_admin_close(&m.admin);
	return rc;
}
