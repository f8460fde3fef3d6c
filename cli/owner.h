/*
 * The user that the programs run as: started by root they become node.user
 * before they read secrets or write to the store, else they stay the caller.
 */
#ifndef CLI_OWNER_H
#define CLI_OWNER_H

struct conf;
struct err;
struct pool;

/* E_NOTFOUND if node.user is needed and there is no such user. */
int owner_find(
    const struct conf *conf, uid_t *uid_out, gid_t *gid_out, struct err *err);

/* Becomes that user for good, as the programs do. */
int owner_become(const struct conf *conf, struct err *err);

/* What a user is called; its number if it has no name. */
const char *owner_name(struct pool *pool, uid_t uid);

#endif
