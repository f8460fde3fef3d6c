/*
 * The dtr command. Each verb is one entry of a table (main.c) and one file
 * (cmd_<verb>.c); this header is what they share: options, configuration,
 * database, output.
 *
 * A verb prints either text for people or, with --json, one object of JSON
 * at its end: it adds members to cli->w. It returns 0, or a negative code
 * with err filled, which main prints as one line.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "common/base/str.h"
#include "common/base/vec.h"
#include "common/conf/conf.h"
#include "common/json/jsw.h"

struct db;
struct err;
struct pool;

#define CLI_ARGS_MAX    2
#define CLI_OPTIONS_MAX 128 /* given in one call */

/* exit codes */
#define CLI_OK    0
#define CLI_FAULT 1
#define CLI_USAGE 2

struct cli_option {
	const char *name; /* without "--" */
	const char *value; /* what help calls its value; NULL: takes none */
	const char *help; /* NULL: not shown */
};

struct cli;
struct cli_verb {
	const char *name; /* "user create" */
	const char *arguments; /* as in help: "NAME" */
	size_t arg_count;
	const char *help;
	const struct cli_option *options; /* ended by a NULL name, or NULL */
	int (*run)(struct cli *cli, struct err *err);
};

struct cli_given {
	const char *name;
	const char *value; /* "" if it takes none */
};

struct cli {
	struct pool *pool; /* lives as long as the command */
	const struct cli_verb *verb;
	const char *conf_file; /* --conf, or NULL */
	bool json;
	const char *args[CLI_ARGS_MAX]; /* verb->arg_count of them */
	struct cli_given given[CLI_OPTIONS_MAX];
	size_t given_count;
	struct conf conf; /* after cli_load_conf() */
	struct db *db; /* after cli_open_db() */
	struct str out; /* the JSON text */
	struct jsw w; /* writes to it; the root object is open */
	int exit_code; /* of a verb that returned 0 */
};

/* cli.c */

/* The value of the last --name given, "" if it takes none, NULL if absent. */
const char *cli_option(const struct cli *cli, const char *name);

/* Value i, counted from 0, of an option that may be repeated, or NULL. */
const char *cli_option_at(const struct cli *cli, const char *name, size_t i);

/* Sets E_INVALID for a wrong call; main shows how to get help, exit code 2. */
int cli_usage(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);
bool cli_is_usage(const struct err *err);

/* Words for people, given as an option: UTF-8 that fits into its column. */
int cli_check_words(const char *what, const char *words, struct err *err);

/* --conf, or the default file, as a full path. */
const char *cli_conf_file(const struct cli *cli);

/* A file beside the configuration file, e.g. "tls/server.crt". */
const char *cli_beside_conf(struct cli *cli, const char *name);

int cli_load_conf(struct cli *cli, struct err *err);

/* Loads the configuration if needed; connects as the owner when used. */
int cli_open_db(struct cli *cli, struct err *err);

/* Says in err what to do when a verb failed with tables that are older than
 * this program. */
void cli_check_tables(struct cli *cli, struct err *err);

/* output.c */

/* One line of text on standard output; nothing with --json. */
void cli_say(const struct cli *cli, const char *format, ...) PRINTF_LIKE(2, 3);

/* err as one line on standard error, in the form that was asked for. */
void cli_put_error(const struct cli *cli, const struct err *err);

/* A copy without control characters, for a terminal. */
char *cli_printable(struct pool *pool, const char *text);

/* Rows as aligned text, or as an array of objects called name. */
enum cli_type {
	CLI_TEXT,
	CLI_NUMBER, /* cells are decimal numbers, or NULL */
	CLI_BOOL, /* cells are "yes" or "no" */
};

struct cli_column {
	const char *name; /* member of the objects, and title of the column */
	enum cli_type type;
};

#define CLI_COLUMNS_MAX 8
#define CLI_ROWS_MAX    1000000

struct cli_table {
	struct cli *cli;
	const char *name;
	const struct cli_column *columns;
	size_t column_count;
	VEC(const char **) rows;
};

void cli_table_begin(struct cli_table *table, struct cli *cli, const char *name,
    const struct cli_column *columns, size_t column_count);
/* E_TOOBIG if there is no place for so many more rows. */
int cli_table_room(
    const struct cli_table *table, size_t count, struct err *err);
/* column_count cells; texts are borrowed until cli_table_end(). */
void cli_table_row(struct cli_table *table, const char *const *cells);
void cli_table_end(struct cli_table *table);

/* main.c: all verbs, ended by a NULL name */
extern const struct cli_verb cli_verbs[];

/* cmd_drain.c: a folder that cannot be looked into is an error */
int cli_is_draining(struct cli *cli, bool *on_out, struct err *err);

/* cmd_<verb>.c */
int cmd_init(struct cli *cli, struct err *err);
int cmd_migrate(struct cli *cli, struct err *err);
int cmd_check(struct cli *cli, struct err *err);
int cmd_drain(struct cli *cli, struct err *err);
int cmd_conf(struct cli *cli, struct err *err);
int cmd_user_create(struct cli *cli, struct err *err);
int cmd_user_passwd(struct cli *cli, struct err *err);
int cmd_user_list(struct cli *cli, struct err *err);
int cmd_user_set(struct cli *cli, struct err *err);
int cmd_token_create(struct cli *cli, struct err *err);
int cmd_key_rotate(struct cli *cli, struct err *err);
int cmd_key_list(struct cli *cli, struct err *err);
int cmd_setting_list(struct cli *cli, struct err *err);
int cmd_setting_get(struct cli *cli, struct err *err);
int cmd_setting_set(struct cli *cli, struct err *err);
int cmd_gc_uploads(struct cli *cli, struct err *err);
int cmd_gc_objects(struct cli *cli, struct err *err);
int cmd_repository_create(struct cli *cli, struct err *err);
int cmd_repository_list(struct cli *cli, struct err *err);
int cmd_repository_set(struct cli *cli, struct err *err);
int cmd_tag_history(struct cli *cli, struct err *err);
int cmd_tag_restore(struct cli *cli, struct err *err);
int cmd_revoke_tokens(struct cli *cli, struct err *err);
int cmd_routes(struct cli *cli, struct err *err);

#endif
