/* dtr routes: the tables of all programs, as text only */
#include "common/base/base.h"

#include "cli/cli.h"
#include "common/base/pool.h"

struct text_route {
	const char *program;
	const char *methods;
	const char *pattern;
	const char *permission;
	const char *help;
};

#define ROUTE(id, methods, pattern, permission, body, handler, help) \
 { PROGRAM, #methods, pattern, #permission, help },
static const struct text_route routes[] = {
#define PROGRAM "dtr-registry"
#include "fcgi/registry/routes.def"
#undef PROGRAM
#define PROGRAM "dtr-garant"
#include "fcgi/garant/routes.def"
#undef PROGRAM
#define PROGRAM "dtr-api"
#include "fcgi/api/routes.def"
#undef PROGRAM
};
#undef ROUTE

/* "METHOD_GET | METHOD_HEAD" as "GET,HEAD" */
static const char *
methods_text(struct pool *pool, const char *constants)
{
	static const char prefix[] = "METHOD_";
	struct str out;

	str_init(&out, pool, 128);
	while (*constants != '\0') {
		if (strncmp(constants, prefix, sizeof(prefix) - 1) == 0) {
			constants += sizeof(prefix) - 1;
			continue;
		}
		if (*constants == '|')
			str_putc(&out, ',');
		else if (*constants != ' ')
			str_putc(&out, *constants);
		constants++;
	}
	return out.p;
}

/* "PERMISSION_PULL" as "pull" */
static const char *
permission_text(struct pool *pool, const char *constant)
{
	static const char prefix[] = "PERMISSION_";
	char *text;

	if (strncmp(constant, prefix, sizeof(prefix) - 1) == 0)
		constant += sizeof(prefix) - 1;
	text = pool_strdup(pool, constant);
	for (char *p = text; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return text;
}

int
cmd_routes(struct cli *cli, struct err *err UNUSED)
{
	static const struct cli_column columns[] = {
		{ "program", CLI_TEXT },
		{ "methods", CLI_TEXT },
		{ "pattern", CLI_TEXT },
		{ "permission", CLI_TEXT },
		{ "help", CLI_TEXT },
	};
	struct cli_table table;

	cli_table_begin(&table, cli, "routes", columns, COUNT_OF(columns));
	for (size_t i = 0; i < COUNT_OF(routes); i++)
		cli_table_row(&table,
		    (const char *const[]){ routes[i].program,
			methods_text(cli->pool, routes[i].methods),
			routes[i].pattern,
			permission_text(cli->pool, routes[i].permission),
			routes[i].help });
	cli_table_end(&table);
	return 0;
}
