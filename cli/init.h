/*
 * The steps of `dtr init`. Each looks first whether its work is done and
 * says what it did or found, so that a setup that was broken off is completed
 * by calling it again.
 */
#ifndef CLI_INIT_H
#define CLI_INIT_H

#include "cli/cli.h"

struct db_admin;
struct db_options;

struct init {
	struct cli *cli;
	const char *db_admin; /* superuser */
	const char *db_admin_password; /* NULL: by the socket */
	const char *admin_name;
	const char *admin_password; /* NULL: asked for when needed */
	int lock; /* of the folder of secrets, -1: none */
	struct db_admin *super; /* connection of the superuser */
	bool has_objects; /* the database knows objects of the store */
	const char *user_host; /* that the programs' users come from */
};

/* --db-admin and --db-admin-password-file. */
int init_read_super(struct init *init, struct err *err);

/* Says "did" ("made", "found", "set") and what. */
void init_step(struct init *init, const char *did, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* init_conf.c: the configuration file; cli->conf is loaded after it */
int init_conf(struct init *init, struct err *err);

/*
 * init_look.c: what the database tells before anything is made, in it or here.
 * E_CONFLICT when it was set up with other secrets than this node's: new ones
 * would lock out the nodes that have them.
 */
int init_look(struct init *init, struct err *err);

/* init_secrets.c: the folder of secrets, which one init at a time may have;
 * the files in it; the folder of blobs */
int init_folder(struct init *init, struct err *err);
int init_secrets(struct init *init, struct err *err);
int init_passwords(struct init *init, struct err *err); /* of the users alone */
int init_storage(struct init *init, struct err *err);

/* init_tls.c: an authority of our own and the server's certificate */
int init_tls_check_names(struct init *init, struct err *err);
int init_tls(struct init *init, struct err *err);

/* init_db.c: database, its users, tables and rights */
/* Connects as the superuser, by these options, too. */
void init_super_options(const struct init *init, struct db_options *out);
int init_open_super(struct init *init, struct err *err);
/* Is the number that the server answers to the superuser more than 0? */
int init_ask(struct init *init, const char *query, struct err *err);
int init_db(struct init *init, struct err *err);
/* The users alone, at each host that there are some for; connects and
 * disconnects. */
int init_users(struct init *init, struct err *err);

#endif
