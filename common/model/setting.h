/*
 * Settings that all replicas share: rows of the table setting, typed by
 * setting_keys.def. A process keeps a snapshot and looks about once a second,
 * so a change is seen everywhere without a restart.
 */
#ifndef COMMON_MODEL_SETTING_H
#define COMMON_MODEL_SETTING_H

struct db;
struct db_tx;
struct err;
struct pool;

#define SETTING_BOOL(member, name, def, help) bool member;
#define SETTING_NUMBER(member, name, def, min, max, help) int64_t member;
struct settings {
#include "common/model/setting_keys.def"
};
#undef SETTING_BOOL
#undef SETTING_NUMBER

/* All settings as they are now. A value that does not parse is E_INTERNAL. */
int setting_load(
    struct db *db, struct pool *pool, struct settings *out, struct err *err);

/* Checks and stores one; E_NOTFOUND for an unknown name, E_INVALID. */
int setting_set(
    struct db *db, const char *name, const char *value, struct err *err);

/*
 * Refuses all registry tokens made until now, within a second; as a part of
 * the change that takes the rights which they were made with, or alone.
 */
int setting_revoke_tokens_in(struct db_tx *tx, struct err *err);
int setting_revoke_tokens(struct db *db, struct err *err);

/*
 * The process's snapshot. settings_refresh() reads it anew (from the
 * server's tick); a value that does not parse is E_INTERNAL, and does not keep
 * the others from changing, least of all the one that revokes tokens.
 * settings_current() copies it, and reads it first if there is none yet:
 * E_BUSY when that fails, and else err stays as it is.
 */
int settings_refresh(struct db *db, struct err *err);
int settings_current(struct db *db, struct settings *out, struct err *err);

#endif
