/*
 * The checks of `dtr check`. Each reports lines; none stops the others. A
 * fault of the check itself is reported as a failure: "could not find out"
 * is not "ok".
 */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

#include "cli/cli.h"

struct err;

enum check_result {
	CHECK_OK,
	CHECK_WARN,
	CHECK_FAIL
};

struct check {
	struct cli *cli;
	bool quiet;
	bool over; /* nothing else can be judged */
	unsigned warned;
	unsigned failed;
};

void check_report(struct check *check, enum check_result result,
    const char *name, const char *format, ...) PRINTF_LIKE(4, 5);

/* A failure with err's words; what_to_do may be NULL. */
void check_report_err(struct check *check, const char *name,
    const struct err *err, const char *what_to_do);

/* check_node.c: this node without its database */
/* As root: becomes node.user, so that later checks tell what the programs may
 * do; what root alone can see is looked at before. */
void check_user(struct check *check);
void check_secrets(struct check *check);
void check_storage(struct check *check);
void check_sockets(struct check *check);
void check_drain(struct check *check);

/* check_limits.c: of the running programs, else those of this shell */
void check_limits(struct check *check);

/* check_rights.c: who else may read or change the files of this node */
void check_rights(struct check *check);

/* check_tls.c: certificates, while root can still read their keys */
void check_tls(struct check *check);

/* check_db.c: the database servers and what is in them */
void check_servers(struct check *check);
void check_users(struct check *check);
void check_schema(struct check *check);
void check_token_key(struct check *check);
void check_admins(struct check *check);

#endif
