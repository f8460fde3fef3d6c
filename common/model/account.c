#include "common/base/base.h"
#include "common/model/account.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/model/model.h"
#include "common/model/q.h"
#include "common/model/setting.h"
#include "common/oci/name.h"

#define POOL_SIZE ((size_t)1 << 20)

int
account_check_name(const char *name, struct err *err)
{
	size_t n = strlen(name);

	if (n < 1 || n > ACCOUNT_NAME_MAX || !oci_component_is_valid(name))
		return err_set(err, E_INVALID,
		    "account name \"%.80s\" is not valid: 1 to %d lower-case "
		    "letters and digits, with single . _ or - between them",
		    name, ACCOUNT_NAME_MAX);
	return 0;
}

void
account_from_row(struct account *out, const struct db_rows *rows, size_t row)
{
	*out = (struct account){
		.id = db_cell_id(rows, row, 0),
		.name = db_cell(rows, row, 1)->p,
		.kind = (enum account_kind)db_cell(rows, row, 2)->i,
		.full_name = db_cell(rows, row, 3)->p,
		.is_admin = db_cell(rows, row, 4)->i == 1,
		.is_active = db_cell(rows, row, 5)->i == 1,
		.password_hash = db_cell(rows, row, 6)->p,
	};
}

int
account_find(struct db *db, struct pool *pool, const char *name,
    struct account *out, struct err *err)
{
	struct db_rows rows;
	int rc = db_select(
	    db, pool, Q_ACCOUNT_BY_NAME, &rows, err, db_text(name));

	if (rc < 0)
		return rc;
	if (rows.count == 0)
		return err_set(err, E_NOTFOUND, "no account \"%s\"", name);
	account_from_row(out, &rows, 0);
	return 0;
}

struct create {
	const struct account *account;
	const char *password_hash;
	struct pool *pool;
};

static int
create_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct create *c = context;
	const struct account *a = c->account;
	struct db_rows rows;
	int rc;

	/* not by the name, which somebody else may have taken since */
	if (db_tx_is_rerun(tx)) {
		rc = tx_select(
		    tx, c->pool, Q_ACCOUNT_FLAGS, &rows, err, db_id(&a->id));
		if (rc < 0 || rows.count > 0)
			return rc;
	}
	rc = tx_exec(tx, Q_ACCOUNT_INSERT, NULL, err, db_id(&a->id),
	    db_text(a->name), db_int(a->kind),
	    db_text(a->full_name != NULL ? a->full_name : ""),
	    db_int(a->is_admin));

	if (rc < 0 || c->password_hash == NULL)
		return rc;
	return tx_exec(tx, Q_ACCOUNT_PASSWORD_SET, NULL, err, db_id(&a->id),
	    db_text(c->password_hash));
}

int
account_create(struct db *db, const struct account *account,
    const char *password_hash, struct err *err)
{
	struct create c = { account, password_hash, NULL };
	int rc = account_check_name(account->name, err);

	if (rc < 0)
		return rc;
	c.pool = pool_new(POOL_SIZE);
	rc = db_txn(db, create_tx, &c, err);
	pool_free(&c.pool);
	if (rc == E_EXISTS)
		return err_set(err, E_EXISTS, "account \"%s\" exists already",
		    account->name);
	return rc;
}

struct change {
	const struct rand_id *id;
	const char *password_hash;
	struct account_change *flags;
	struct pool *pool;
};

static int
set_password_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct change *c = context;
	int rc = tx_exec(tx, Q_ACCOUNT_PASSWORD_SET, NULL, err, db_id(c->id),
	    db_text(c->password_hash));

	if (rc == 0)
		rc = tx_exec(
		    tx, Q_ACCESS_TOKEN_REVOKE_REFRESH, NULL, err, db_id(c->id));
	return rc < 0 ? rc : setting_revoke_tokens_in(tx, err);
}

int
account_set_password(struct db *db, const struct rand_id *id,
    const char *password_hash, struct err *err)
{
	struct change c = { .id = id, .password_hash = password_hash };

	return db_txn(db, set_password_tx, &c, err);
}

/*
 * Is there still an administrator after the change? Two of them taken at
 * once on two nodes each see the other one: so both change the same row, and
 * one transaction fails and is run again.
 */
static int
check_admin_left(struct db_tx *tx, struct pool *pool, struct err *err)
{
	struct db_rows rows;
	int rc = tx_exec(tx, Q_SETTING_INCREMENT, NULL, err,
	    db_text("account.admin_changes"));

	if (rc == 0)
		rc = tx_select(tx, pool, Q_ACCOUNT_ADMIN_COUNT, &rows, err);
	if (rc < 0)
		return rc;
	if (db_cell(&rows, 0, 0)->i > 0)
		return 0;
	err_set(err, E_CONFLICT,
	    "no other active system administrator would be left");
	return err_reason(err, "LAST_ADMIN");
}

static struct account_flags
with(struct account_flags flags, const struct account_change *change)
{
	if (change->is_admin != NULL)
		flags.is_admin = *change->is_admin;
	if (change->is_active != NULL)
		flags.is_active = *change->is_active;
	return flags;
}

bool
account_has_less(
    const struct account_flags *before, const struct account_flags *after)
{
	return (before->is_active && !after->is_active) ||
	    (before->is_admin && !after->is_admin);
}

static int
set_flags_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct change *c = context;
	struct account_flags was, now;
	uint64_t affected;
	struct db_rows rows;
	int rc = tx_select(
	    tx, c->pool, Q_ACCOUNT_FLAGS, &rows, err, db_id(c->id));

	if (rc < 0)
		return rc;
	if (rows.count == 0)
		return err_set(err, E_NOTFOUND, "the account is gone");
	was.is_admin = db_cell(&rows, 0, 0)->i == 1;
	was.is_active = db_cell(&rows, 0, 1)->i == 1;
	now = with(was, c->flags);
	/* a later run may see its own change */
	if (!db_tx_is_rerun(tx))
		c->flags->before = was;
	c->flags->after = now;
	if (now.is_admin == was.is_admin && now.is_active == was.is_active)
		return 0;
	rc = tx_exec(tx, Q_ACCOUNT_SET_ADMIN, &affected, err,
	    db_int(now.is_admin), db_int(now.is_active), db_id(c->id),
	    db_int(was.is_admin), db_int(was.is_active));
	if (rc < 0)
		return rc;
	if (affected == 0)
		return model_again(err);
	if (was.is_admin && was.is_active && !(now.is_admin && now.is_active))
		rc = check_admin_left(tx, c->pool, err);
	if (rc == 0 && account_has_less(&was, &now))
		rc = setting_revoke_tokens_in(tx, err);
	return rc;
}

int
account_set_flags(struct db *db, const struct rand_id *id,
    struct account_change *change, struct err *err)
{
	struct change c = {
		.id = id, .flags = change, .pool = pool_new(POOL_SIZE)
	};
	int rc = model_txn(db, set_flags_tx, &c, err);

	pool_free(&c.pool);
	return rc;
}

int
account_count_admins(
    struct db *db, struct pool *pool, int64_t *count_out, struct err *err)
{
	struct db_rows rows;
	int rc = db_select(db, pool, Q_ACCOUNT_ADMIN_COUNT, &rows, err);

	if (rc == 0)
		*count_out = db_cell(&rows, 0, 0)->i;
	return rc;
}

int
account_list(struct db *db, struct pool *pool, const char *after, size_t limit,
    struct account **out, size_t *count_out, struct err *err)
{
	struct db_rows rows;
	int rc = db_select(db, pool, Q_ACCOUNT_LIST, &rows, err,
	    db_text(after), db_uint(limit));

	if (rc < 0)
		return rc;
	*out = pool_array(pool, rows.count, sizeof(**out));
	*count_out = rows.count;
	for (size_t i = 0; i < rows.count; i++)
		account_from_row(&(*out)[i], &rows, i);
	return 0;
}
