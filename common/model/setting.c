#include "common/base/base.h"
#include "common/model/setting.h"

#include <pthread.h>
#include <stdatomic.h>

#include "common/base/err.h"
#include "common/base/num.h"
#include "common/base/pool.h"
#include "common/model/model.h"
#include "common/model/q.h"

#define POOL_SIZE ((size_t)4 << 20)

static pthread_mutex_t settings_lock = PTHREAD_MUTEX_INITIALIZER;
static struct settings settings_snapshot;
/* of the snapshot, 0: none yet; a thread keeps a copy of the one it saw */
static atomic_uint settings_serial;

static struct settings
defaults(void)
{
#define SETTING_BOOL(member, name, def, help) .member = (def),
#define SETTING_NUMBER(member, name, def, min, max, help) .member = (def),
	return (struct settings){
#include "common/model/setting_keys.def"
	};
#undef SETTING_BOOL
#undef SETTING_NUMBER
}

static bool
parse_bool(const char *value, bool *out)
{
	*out = strcmp(value, "true") == 0;
	return *out || strcmp(value, "false") == 0;
}

/* puts one value into its member; E_NOTFOUND for a name that is not ours */
static int
apply(struct settings *s, const char *name, const char *value, struct err *err)
{
#define SETTING_BOOL(member, key, def, help) \
	if (strcmp(name, key) == 0) { \
		if (!parse_bool(value, &s->member)) \
			return err_set(err, E_INVALID, \
			    "setting \"%s\" must be true or false", name); \
		return 0; \
	}
#define SETTING_NUMBER(member, key, def, min, max, help) \
	if (strcmp(name, key) == 0) { \
		if (!num_parse_range(value, (min), (max), &s->member)) \
			return err_set(err, E_INVALID, \
			    "setting \"%s\" must be a number from %lld to " \
			    "%lld", \
			    name, (long long)(min), (long long)(max)); \
		return 0; \
	}
#include "common/model/setting_keys.def"
#undef SETTING_BOOL
#undef SETTING_NUMBER
	return err_set(err, E_NOTFOUND, "no setting \"%s\"", name);
}

int
setting_load(
    struct db *db, struct pool *pool, struct settings *out, struct err *err)
{
	struct db_rows rows;
	int rc = db_select(db, pool, Q_SETTING_ALL, &rows, err);

	if (rc < 0)
		return rc;
	*out = defaults();
	for (size_t i = 0; i < rows.count; i++) {
		struct err refused;

		rc = apply(out, db_cell(&rows, i, 0)->p,
		    db_cell(&rows, i, 1)->p, &refused);
		/* a newer version's setting is none of our business */
		if (rc < 0 && rc != E_NOTFOUND)
			return err_set(err, E_INTERNAL, "%s", refused.text);
	}
	return 0;
}

struct change {
	const char *name;
	const char *value;
};

static int
set_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct change *c = context;

	return tx_exec(tx, Q_SETTING_SET, NULL, err, db_text(c->name),
	    db_text(c->value));
}

int
setting_set(struct db *db, const char *name, const char *value, struct err *err)
{
	struct change c = { name, value };
	struct settings checked = defaults();
	int rc = apply(&checked, name, value, err);

	return rc < 0 ? rc : db_txn(db, set_tx, &c, err);
}

int
setting_revoke_tokens_in(struct db_tx *tx, struct err *err)
{
	return tx_exec(
	    tx, Q_SETTING_INCREMENT, NULL, err, db_text("token.generation"));
}

static int
revoke_tx(struct db_tx *tx, void *context UNUSED, struct err *err)
{
	return setting_revoke_tokens_in(tx, err);
}

int
setting_revoke_tokens(struct db *db, struct err *err)
{
	return db_txn(db, revoke_tx, NULL, err);
}

int
settings_refresh(struct db *db, struct err *err)
{
	struct pool *pool = pool_new(POOL_SIZE);
	struct settings fresh;
	int rc = setting_load(db, pool, &fresh, err);

	pool_free(&pool);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&settings_lock);
	settings_snapshot = fresh;
	atomic_fetch_add(&settings_serial, 1);
	pthread_mutex_unlock(&settings_lock);
	return 0;
}

int
settings_current(struct db *db, struct settings *out, struct err *err)
{
	static _Thread_local struct settings seen;
	static _Thread_local unsigned seen_serial;

	if (atomic_load(&settings_serial) == 0) {
		int rc = settings_refresh(db, err);

		if (rc < 0)
			return rc;
	}
	if (seen_serial != atomic_load(&settings_serial)) {
		pthread_mutex_lock(&settings_lock);
		seen = settings_snapshot;
		seen_serial = atomic_load(&settings_serial);
		pthread_mutex_unlock(&settings_lock);
	}
	*out = seen;
	return 0;
}
