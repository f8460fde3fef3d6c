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

/*
 * Puts one value into its member, and if it does not parse what that is in
 * before; E_NOTFOUND for a name that is not ours.
 */
static int
apply(struct settings *s, const struct settings *before, const char *name,
    const char *value, struct err *err)
{
#define SETTING_BOOL(member, key, def, help) \
	if (strcmp(name, key) == 0) { \
		if (parse_bool(value, &s->member)) \
			return 0; \
		s->member = before->member; \
		return err_set(err, E_INVALID, \
		    "setting \"%s\" must be true or false: %s", name, help); \
	}
#define SETTING_NUMBER(member, key, def, min, max, help) \
	if (strcmp(name, key) == 0) { \
		if (num_parse_range(value, (min), (max), &s->member)) \
			return 0; \
		s->member = before->member; \
		return err_set(err, E_INVALID, \
		    "setting \"%s\" must be a number from %lld to " \
		    "%lld: %s", \
		    name, (long long)(min), (long long)(max), help); \
	}
#include "common/model/setting_keys.def"
#undef SETTING_BOOL
#undef SETTING_NUMBER
	return err_set(err, E_NOTFOUND, "no setting \"%s\"", name);
}

/* 1 all of them; 0 some are as in before, and err says what is wrong */
static int
load(struct db *db, struct pool *pool, const struct settings *before,
    struct settings *out, struct err *err)
{
	struct db_rows rows;
	int rc = db_select(db, pool, Q_SETTING_ALL, &rows, err);
	bool all = true;

	if (rc < 0)
		return rc;
	*out = defaults();
	for (size_t i = 0; i < rows.count; i++) {
		struct err refused;

		rc = apply(out, before, db_cell(&rows, i, 0)->p,
		    db_cell(&rows, i, 1)->p, &refused);
		/* a newer version's setting is none of our business */
		if (rc == 0 || rc == E_NOTFOUND)
			continue;
		err_set(err, E_INTERNAL, "%s", refused.text);
		all = false;
	}
	return all;
}

int
setting_load(
    struct db *db, struct pool *pool, struct settings *out, struct err *err)
{
	struct settings usual = defaults();
	int rc = load(db, pool, &usual, out, err);

	return rc == 0 ? E_INTERNAL : rc < 0 ? rc : 0;
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
	int rc = apply(&checked, &checked, name, value, err);

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
	struct settings before, fresh;
	bool is_first;
	int rc;

	pthread_mutex_lock(&settings_lock);
	before = settings_snapshot;
	is_first = atomic_load(&settings_serial) == 0;
	pthread_mutex_unlock(&settings_lock);
	rc = load(db, pool, &before, &fresh, err);
	pool_free(&pool);
	if (rc < 0)
		return rc;
	if (rc == 0 && is_first)
		return E_INTERNAL;
	pthread_mutex_lock(&settings_lock);
	settings_snapshot = fresh;
	atomic_fetch_add(&settings_serial, 1);
	pthread_mutex_unlock(&settings_lock);
	return rc == 0 ? E_INTERNAL : 0;
}

int
settings_current(struct db *db, struct settings *out, struct err *err)
{
	static _Thread_local struct settings seen;
	static _Thread_local unsigned seen_serial;

	if (atomic_load(&settings_serial) == 0) {
		struct err fault;
		int rc = settings_refresh(db, &fault);

		if (rc < 0) {
			*err = fault;
			return rc;
		}
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
