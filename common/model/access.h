/*
 * The one decision: what may this account do with that repository? Rights
 * are additive and the highest wins: a system administrator and the owner of
 * a namespace (the user himself, an organisation's administrators) are
 * admins of its repositories; teams have grants on one repository or on the
 * whole namespace; everybody may read what is public. Membership alone gives
 * no right.
 */
#ifndef COMMON_MODEL_ACCESS_H
#define COMMON_MODEL_ACCESS_H

#include "common/base/rand.h"

struct account;
struct db;
struct err;
struct pool;

enum access_level {
	ACCESS_NONE = 0,
	ACCESS_READ = 1,
	ACCESS_WRITE = 2,
	ACCESS_ADMIN = 3,
};

struct access {
	enum access_level level; /* on the repository; NONE if it is missing */
	bool has_namespace;
	bool has_repository;
	bool may_create; /* a repository of that name in that namespace */
};

/* What was found out about caller, namespace and repository. */
struct access_facts {
	bool caller_is_admin; /* of the system */
	bool caller_owns_namespace;
	bool caller_runs_org; /* administrator of the organisation */
	bool has_namespace;
	bool has_repository;
	bool is_public;
	enum access_level repo_grant; /* highest through teams */
	enum access_level namespace_grant;
};

/* The rule itself; pure. */
struct access access_of(const struct access_facts *facts);

/*
 * Collects the facts in one query and decides. account NULL: an anonymous
 * caller. path must be a valid repository name.
 */
int access_decide(struct db *db, struct pool *pool,
    const struct account *account, const char *path, struct access *out,
    struct err *err);

#endif
