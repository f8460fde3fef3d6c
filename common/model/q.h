/* The statements of schema/query by number, and who may use which table. */
#ifndef COMMON_MODEL_Q_H
#define COMMON_MODEL_Q_H

#include "common/db/db.h"
#include "common/model/q.gen.h"

struct q_grant {
	const char *role;
	const char *table;
	const char *privileges; /* "SELECT, INSERT" */
};

extern const struct db_stmt_text q_stmts[Q_COUNT];
/* by statement: the roles that may use it, a set of enum q_role */
extern const unsigned q_stmt_roles[Q_COUNT];
extern const struct q_grant q_grants[Q_GRANT_COUNT];

#endif
