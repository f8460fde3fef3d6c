/*
 * The schema's life: migrations, which are built into the program, and the
 * rights of each program's database user. For the dtr command only.
 */
#ifndef COMMON_MODEL_SCHEMA_H
#define COMMON_MODEL_SCHEMA_H

struct conf;
struct db_admin;
struct db_options;
struct err;
struct pool;

/* Programs that have a database user of their own, "<database>_<role>". */
extern const char *const schema_roles[];
extern const size_t schema_role_count;

/*
 * Brings the schema to the program's version, as its owner. Each statement
 * is recorded when it is done, so a run that was killed goes on where it
 * stopped; one that was done and not recorded is recognised. Rows that older
 * programs made since an earlier migration are completed. One node at a
 * time: another one waits until the first is done, or gone: known at once at
 * the same server, after a minute of silence at another one of its cluster.
 * progress (may be NULL) is called before each migration.
 */
int schema_migrate(const struct db_options *owner, struct pool *pool,
    void (*progress)(int version, const char *name), struct err *err);

/* The version in the database (0: none yet) and the program's own. */
int schema_version(struct db_admin *admin, struct pool *pool,
    int *current_out, int *wanted_out, struct err *err);

/*
 * Gives every role's user, at this host, the rights that its statements
 * need. Run after a migration by the owner or a superuser. E_NOTFOUND when a
 * user is missing; the others have theirs then.
 */
int schema_grant(struct db_admin *admin, struct pool *pool,
    const char *database, const char *host, struct err *err);

/*
 * Which of those rights the user of this role lacks, as whom self has logged
 * in: "DELETE on tag_pull, ...", or NULL.
 */
int schema_lacks(struct db_admin *self, struct pool *pool, const char *role,
    const char **out, struct err *err);

/*
 * Takes every other right on tables from these users, by the owner or a
 * superuser, when no program of another version runs any more. Logs in as each
 * role, since the owner cannot see what others may do.
 */
int schema_revoke(struct db_admin *admin, const struct conf *conf,
    struct pool *pool, struct err *err);

#endif
