/*
 * The steps of `dtr init`. Each looks first whether its work is done and
 * says what it did or found, so that a setup that was broken off is completed
 * by calling it again.
 */
#ifndef CLI_INIT_H
#define CLI_INIT_H

#include "cli/cli.h"

struct db_admin;

struct init {
	struct cli *cli;
	const char *db_admin; /* superuser */
	const char *db_admin_password; /* NULL: by the socket */
	const char *admin_name;
	const char *admin_password; /* NULL: asked for when needed */
	struct db_admin *super; /* connection of the superuser */
	const char *user_host; /* that the programs' users come from */
};

/* --db-admin and --db-admin-password-file. */
int init_read_super(struct init *init, struct err *err);

/* Says "did" ("made", "found", "set") and what. */
void init_step(struct init *init, const char *did, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* init_conf.c: the configuration file; cli->conf is loaded after it */
int init_conf(struct init *init, struct err *err);

/* init_secrets.c: the folder of secrets and its files; that of blobs */
int init_secrets(struct init *init, struct err *err);
int init_passwords(struct init *init, struct err *err); /* of the users alone */
int init_storage(struct init *init, struct err *err);

/* init_tls.c: an authority of our own and the server's certificate */
int init_tls_check_names(struct init *init, struct err *err);
int init_tls(struct init *init, struct err *err);

/* init_db.c: database, its users, tables and rights */
int init_db(struct init *init, struct err *err);
/* The users alone, at init->user_host; connects and disconnects. */
int init_users(struct init *init, struct err *err);

#endif
