/* The dtr command: finds the verb, parses options, prints the error. */
#include "common/base/base.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/log.h"
#include "common/base/pool.h"
#include "common/db/db.h"

#define POOL_MAX ((size_t)1 << 30)
#define JSON_MAX ((size_t)256 << 20)

/* values of getopt_long() for the common options; the verb's come behind */
enum {
	OPTION_CONF = 256,
	OPTION_JSON,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_OF_VERB,
};

#define COMMON_COUNT     (OPTION_OF_VERB - OPTION_CONF)
#define VERB_OPTIONS_MAX 16

static const struct cli_option common_options[] = {
	{ "conf", "FILE", "configuration file" },
	{ "json", NULL, "print JSON" },
	{ "help", NULL, "print this text" },
	{ "version", NULL, "print the version" },
	{ 0 },
};

static const struct cli_option init_options[] = {
	{ "set", "KEY=VALUE", "key of a new configuration file" },
	{ "db-admin", "USER", "database user that may make databases" },
	{ "db-admin-password-file", "FILE",
	    "its password; without: by the socket" },
	{ "db-user-host", "HOST", "host that our database users come from" },
	{ "admin-user", "NAME", "first administrator; else: admin" },
	{ "admin-password-file", "FILE", "password, - for standard input" },
	{ "tls-name", "NAME", "further name in the server's certificate" },
	{ "force", NULL, "make new secrets: those of the database are lost" },
	{ 0 },
};

static const struct cli_option migrate_options[] = {
	{ "status", NULL, "only say which migrations are to be done" },
	{ "finish", NULL, "all programs are upgraded: take old rights" },
	{ "db-admin", "USER", "database user who makes users of new programs" },
	{ "db-admin-password-file", "FILE",
	    "its password; without: by the socket" },
	{ 0 },
};

static const struct cli_option check_options[] = {
	{ "quiet", NULL, "print only warnings and failures" },
	{ 0 },
};

static const struct cli_option conf_options[] = {
	{ "key", "KEY", "only the value of this key" },
	{ "manual", NULL, NULL },
	{ 0 },
};

static const struct cli_option user_create_options[] = {
	{ "admin", NULL, "make the user a system administrator" },
	{ "org", NULL, "make an organisation, not a user" },
	{ "full-name", "TEXT", "name for people" },
	{ "password-file", "FILE", "password, - for standard input" },
	{ 0 },
};

static const struct cli_option user_passwd_options[] = {
	{ "password-file", "FILE", "password, - for standard input" },
	{ 0 },
};

static const struct cli_option user_set_options[] = {
	{ "admin", "yes|no", "system administrator or not" },
	{ "active", "yes|no", "may log in or not" },
	{ 0 },
};

static const struct cli_option token_create_options[] = {
	{ "label", "TEXT", "what the token is for" },
	{ 0 },
};

static const struct cli_option repository_options[] = {
	{ "visibility", "public|private", "who may read it" },
	{ "immutable-tags", "yes|no", "tags are never moved" },
	{ "tag-limit", "N", "keep the N tags pushed last, 0: all" },
	{ 0 },
};

static const struct cli_option tag_restore_options[] = {
	{ "digest", "DIGEST", "what it is to point to; else what it last did" },
	{ 0 },
};

static const struct cli_option gc_options[] = {
	{ "limit", "N", "remove at most N" },
	{ 0 },
};

static const struct cli_option key_rotate_options[] = {
	{ "now", NULL, "sign with the new key at once" },
	{ "force", NULL,
	    "at once, though the cluster key is not the right one" },
	{ 0 },
};

const struct cli_verb cli_verbs[] = {
	{ "init", "", 0, "set up this node, or complete a setup", init_options,
	    cmd_init },
	{ "migrate", "", 0, "bring the database to this version's schema",
	    migrate_options, cmd_migrate },
	{ "drain", "on|off|status", 1,
	    "turn load balancers away from this node, or back", NULL,
	    cmd_drain },
	{ "check", "", 0, "look for faults of the setup", check_options,
	    cmd_check },
	{ "conf", "", 0, "print the effective configuration", conf_options,
	    cmd_conf },
	{ "user create", "NAME", 1, "make a user or an organisation",
	    user_create_options, cmd_user_create },
	{ "user passwd", "NAME", 1, "set a user's password",
	    user_passwd_options, cmd_user_passwd },
	{ "user list", "", 0, "list users and organisations", NULL,
	    cmd_user_list },
	{ "user set", "NAME", 1, "change a user's rights", user_set_options,
	    cmd_user_set },
	{ "token create", "USER", 1, "make an access token",
	    token_create_options, cmd_token_create },
	{ "repository create", "NAME", 1, "make a repository",
	    repository_options, cmd_repository_create },
	{ "repository list", "", 0, "list repositories", NULL,
	    cmd_repository_list },
	{ "repository set", "NAME", 1, "change a repository",
	    repository_options, cmd_repository_set },
	{ "tag history", "REPOSITORY[:TAG]", 1,
	    "list what tags pointed to before", NULL, cmd_tag_history },
	{ "tag restore", "REPOSITORY:TAG", 1,
	    "bring a tag back that was moved or deleted", tag_restore_options,
	    cmd_tag_restore },
	{ "gc uploads", "", 0, "drop uploads that nobody went on with",
	    gc_options, cmd_gc_uploads },
	{ "gc objects", "", 0, "remove objects that nothing needs", gc_options,
	    cmd_gc_objects },
	{ "key rotate", "", 0, "make a new key that signs registry tokens",
	    key_rotate_options, cmd_key_rotate },
	{ "key list", "", 0, "list the keys of registry tokens", NULL,
	    cmd_key_list },
	{ "setting list", "", 0, "list the settings of all replicas", NULL,
	    cmd_setting_list },
	{ "setting get", "NAME", 1, "print one setting", NULL,
	    cmd_setting_get },
	{ "setting set", "NAME VALUE", 2, "change one setting", NULL,
	    cmd_setting_set },
	{ "revoke-tokens", "", 0, "refuse all registry tokens made until now",
	    NULL, cmd_revoke_tokens },
	{ "routes", "", 0, "list the addresses that the programs serve", NULL,
	    cmd_routes },
	{ 0 },
};

static void
put_options(const struct cli_option *options)
{
	for (; options != NULL && options->name != NULL; options++) {
		char text[64];

		if (options->help == NULL)
			continue;
		snprintf(text, sizeof(text), "--%s%s%s", options->name,
		    options->value != NULL ? " " : "",
		    options->value != NULL ? options->value : "");
		printf("  %-32s %s\n", text, options->help);
	}
}

/* Help of all verbs that begin with the word; "" for all. */
static void
put_verbs(FILE *out, const char *word)
{
	size_t n = strlen(word);

	for (const struct cli_verb *v = cli_verbs; v->name != NULL; v++) {
		char text[64];

		if (strncmp(v->name, word, n) != 0)
			continue;
		snprintf(text, sizeof(text), "%s %s", v->name, v->arguments);
		fprintf(out, "  %-28s %s\n", text, v->help);
	}
}

static void
put_help(const struct cli_verb *verb, const char *group)
{
	if (verb == NULL) {
		printf("usage: dtr [--conf FILE] [--json] %s%s...\n\n", group,
		    group[0] != '\0' ? " " : "VERB ");
		put_verbs(stdout, group);
		putchar('\n');
	} else {
		printf("usage: dtr %s%s%s [OPTION]...\n%s\n\n", verb->name,
		    verb->arguments[0] != '\0' ? " " : "", verb->arguments,
		    verb->help);
		put_options(verb->options);
	}
	put_options(common_options);
	if (verb == NULL)
		printf("\nThe manual is dtr(8); dtr VERB --help says more of "
		       "one verb.\n");
}

static void
add_options(struct option *out, size_t *count, const struct cli_option *options,
    int first)
{
	for (int i = 0; options != NULL && options[i].name != NULL; i++) {
		ASSERT(*count < COMMON_COUNT + VERB_OPTIONS_MAX);
		out[(*count)++] = (struct option){ .name = options[i].name,
			.has_arg = options[i].value != NULL ? required_argument
							    : no_argument,
			.val = first + i };
	}
}

/* What the user wrote of an option: what follows "=" may be a secret. */
static int
option_error(struct err *err, int answer, const char *word)
{
	int n = (int)strcspn(word, "=");

	if (answer == ':')
		return cli_usage(err, "option \"%.*s\" needs a value", n, word);
	/* of letters, as in "-admin", the word may not be the last one read */
	if (optopt != 0 && optopt < OPTION_CONF)
		return cli_usage(err, "unknown option \"-%c\"", optopt);
	if (optopt != 0 && word[n] == '=')
		return cli_usage(
		    err, "option \"%.*s\" takes no value", n, word);
	return cli_usage(err, "unknown option \"%.*s\"", n, word);
}

/* what was written before, and lost, counts too */
static int
end_output(struct err *err)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	return err_set(err, E_INTERNAL, "cannot write to standard output");
}

static int
take_option(struct cli *cli, int c, bool *help, struct err *err)
{
	switch (c) {
	case OPTION_CONF:
		cli->conf_file = optarg;
		return 0;
	case OPTION_JSON:
		cli->json = true;
		return 0;
	case OPTION_HELP:
		*help = true;
		return 0;
	case OPTION_VERSION:
		printf("dtr %s\n", PACKAGE_VERSION);
		if (end_output(err) < 0)
			return err->code;
		exit(CLI_OK);
	default:
		break;
	}
	if (cli->given_count == CLI_OPTIONS_MAX)
		return cli_usage(err, "more than %d options", CLI_OPTIONS_MAX);
	/* getopt_long() knows the verb's options only when there is a verb */
	ASSERT(cli->verb != NULL && cli->verb->options != NULL);
	cli->given[cli->given_count++] =
	    (struct cli_given){ .name =
				    cli->verb->options[c - OPTION_OF_VERB].name,
		    .value = optarg != NULL ? optarg : "" };
	return 0;
}

/*
 * Options in argv from index 1 on; the verb's too once it is known. Before
 * that it stops at the first word that is no option. *next_out: the index
 * of what is left.
 */
static int
parse_options(struct cli *cli, int argc, char **argv, int *next_out, bool *help,
    struct err *err)
{
	struct option options[COMMON_COUNT + VERB_OPTIONS_MAX + 1] = { 0 };
	const char *shorts = cli->verb == NULL ? "+:" : ":";
	size_t count = 0;
	int c, rc;

	add_options(options, &count, common_options, OPTION_CONF);
	if (cli->verb != NULL)
		add_options(
		    options, &count, cli->verb->options, OPTION_OF_VERB);
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, shorts, options, NULL)) != -1) {
		if (c == '?' || c == ':')
			return option_error(err, c, argv[optind - 1]);
		rc = take_option(cli, c, help, err);
		if (rc < 0)
			return rc;
	}
	*next_out = optind;
	return 0;
}

/* The verb of one or two words at words; *used_out: how many. */
static const struct cli_verb *
find_verb(char **words, int count, int *used_out)
{
	char two[64];

	if (count > 1)
		snprintf(two, sizeof(two), "%s %s", words[0], words[1]);
	for (const struct cli_verb *v = cli_verbs; v->name != NULL; v++) {
		*used_out = 1;
		if (strcmp(v->name, words[0]) == 0)
			return v;
		*used_out = 2;
		if (count > 1 && strcmp(v->name, two) == 0)
			return v;
	}
	return NULL;
}

/* Is the word the first of verbs of two words, as "user"? */
static bool
is_group(const char *word)
{
	size_t n = strlen(word);

	for (const struct cli_verb *v = cli_verbs; v->name != NULL; v++)
		if (strncmp(v->name, word, n) == 0 && v->name[n] == ' ')
			return true;
	return false;
}

static int
group_error(const char *group, struct err *err)
{
	char text[160] = "";
	size_t n = strlen(group), len = 0;

	for (const struct cli_verb *v = cli_verbs; v->name != NULL; v++)
		if (strncmp(v->name, group, n) == 0 && v->name[n] == ' ')
			len += (size_t)snprintf(text + len, sizeof(text) - len,
			    "%s%s", len > 0 ? ", " : "", v->name + n + 1);
	return cli_usage(err, "\"%s\" needs one of: %s", group, text);
}

static int
take_arguments(struct cli *cli, char **words, int count, struct err *err)
{
	const struct cli_verb *verb = cli->verb;

	if ((size_t)count < verb->arg_count)
		return cli_usage(err, "%s is missing", verb->arguments);
	if ((size_t)count > verb->arg_count)
		return cli_usage(err, "there is no place for \"%s\"",
		    words[verb->arg_count]);
	for (int i = 0; i < count; i++)
		cli->args[i] = words[i];
	return 0;
}

/* Finds the verb and all its options; prints the help if it is asked for. */
static int
parse(struct cli *cli, int argc, char **argv, bool *done, struct err *err)
{
	bool help = false;
	const char *group = "";
	int next, used;
	int rc = parse_options(cli, argc, argv, &next, &help, err);

	if (rc < 0)
		return rc;
	argv += next;
	argc -= next;
	if (argc > 0) {
		cli->verb = find_verb(argv, argc, &used);
		if (cli->verb == NULL && !is_group(argv[0]))
			return cli_usage(err, "unknown verb \"%s\"", argv[0]);
		if (cli->verb == NULL)
			group = argv[0];
		if (argc > 1 && group[0] != '\0' &&
		    strcmp(argv[1], "--help") == 0)
			help = true;
	}
	if (cli->verb != NULL) {
		/* the verb's last word takes the place of a program's name */
		argv += used - 1;
		argc -= used - 1;
		rc = parse_options(cli, argc, argv, &next, &help, err);
		if (rc < 0)
			return rc;
	}
	*done = help;
	if (help) {
		put_help(cli->verb, group);
		return 0;
	}
	if (group[0] != '\0')
		return group_error(group, err);
	if (cli->verb == NULL)
		return cli_usage(err, "no verb given");
	return take_arguments(cli, argv + next, argc - next, err);
}

static int
run(struct cli *cli, struct err *err)
{
	int rc;

	str_init(&cli->out, cli->pool, JSON_MAX);
	jsw_init(&cli->w, &cli->out);
	jsw_object(&cli->w, NULL);
	rc = cli->verb->run(cli, err);
	if (rc < 0)
		return rc;
	jsw_end(&cli->w);
	jsw_done(&cli->w);
	if (cli->json)
		puts(cli->out.p);
	return 0;
}

/* so that an error in an option before it is printed in that form too */
static bool
wants_json(char **argv)
{
	for (; *argv != NULL && strcmp(*argv, "--") != 0; argv++)
		if (strcmp(*argv, "--json") == 0)
			return true;
	return false;
}

/*
 * A stream that the caller has closed stays closed: else the connection to the
 * database would get its number, and be sent what is printed.
 */
static void
keep_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_PATH | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	io_close(&fd);
}

int
main(int argc, char **argv)
{
	struct cli cli = { .pool = pool_new(POOL_MAX) };
	struct err err = ERR_INIT;
	bool done = false;
	int rc;

	keep_streams();
	log_init(LOG_ERROR, "dtr");
	umask(022);
	signal(SIGPIPE, SIG_IGN);
	cli.json = wants_json(argv);
	rc = parse(&cli, argc, argv, &done, &err);
	if (rc == 0 && !done)
		rc = run(&cli, &err);
	if (rc == 0)
		rc = end_output(&err);
	if (rc < 0) {
		cli_check_tables(&cli, &err);
		cli_put_error(&cli, &err);
		if (cli_is_usage(&err) && !cli.json)
			fprintf(stderr, "dtr: see: dtr%s%s --help\n",
			    cli.verb != NULL ? " " : "",
			    cli.verb != NULL ? cli.verb->name : "");
		cli.exit_code = cli_is_usage(&err) ? CLI_USAGE : CLI_FAULT;
	}
	db_free(&cli.db);
	pool_free(&cli.pool);
	return cli.exit_code;
}
