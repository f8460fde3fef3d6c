/* dtr check: runs all checks (check.h) */
#include "common/base/base.h"

#include <stdarg.h>

#include "cli/check.h"
#include "cli/cli.h"
#include "common/base/err.h"
#include "common/base/pool.h"

void
check_report(struct check *check, enum check_result result, const char *name,
    const char *format, ...)
{
	static const char *const words[] = { "ok", "warn", "FAIL" };
	struct cli *cli = check->cli;
	const char *text;
	va_list args;

	va_start(args, format);
	text = pool_vprintf(cli->pool, format, args);
	va_end(args);
	check->warned += result == CHECK_WARN;
	check->failed += result == CHECK_FAIL;
	if (check->quiet && result == CHECK_OK)
		return;
	cli_say(cli, "%-5s %-14s %s", words[result], name,
	    cli_printable(cli->pool, text));
	jsw_object(&cli->w, NULL);
	jsw_str(
	    &cli->w, "result", result == CHECK_FAIL ? "fail" : words[result]);
	jsw_str(&cli->w, "check", name);
	jsw_str(&cli->w, "text", text);
	jsw_end(&cli->w);
}

void
check_report_err(struct check *check, const char *name, const struct err *err,
    const char *what_to_do)
{
	check_report(check, CHECK_FAIL, name, "%s%s%s%s%s%s", err->text,
	    err->cause[0] != '\0' ? " (" : "", err->cause,
	    err->cause[0] != '\0' ? ")" : "", what_to_do != NULL ? "; " : "",
	    what_to_do != NULL ? what_to_do : "");
}

static void
check_conf(struct check *check)
{
	struct err err = ERR_INIT;

	check->over = cli_load_conf(check->cli, &err) < 0;
	if (check->over)
		check_report_err(check, "configuration", &err, NULL);
	else
		check_report(check, CHECK_OK, "configuration",
		    "file \"%s\" is valid", cli_conf_file(check->cli));
}

static void
say_sum(const struct check *check)
{
	struct cli *cli = check->cli;

	jsw_int(&cli->w, "warnings", check->warned);
	jsw_int(&cli->w, "failures", check->failed);
	if (!check->quiet)
		cli_say(cli, "%u failure%s, %u warning%s", check->failed,
		    check->failed == 1 ? "" : "s", check->warned,
		    check->warned == 1 ? "" : "s");
}

int
cmd_check(struct cli *cli, struct err *err UNUSED)
{
	static void (*const checks[])(struct check *) = {
		check_rights,
		check_tls,
		check_user,
		check_secrets,
		check_storage,
		check_limits,
		check_servers,
		check_users,
		check_schema,
		check_token_key,
		check_admins,
		check_sockets,
		check_drain,
	};
	struct check check = { .cli = cli,
		.quiet = cli_option(cli, "quiet") != NULL };

	jsw_array(&cli->w, "checks");
	check_conf(&check);
	for (size_t i = 0; i < COUNT_OF(checks) && !check.over; i++)
		checks[i](&check);
	jsw_end(&cli->w);
	say_sum(&check);
	cli->exit_code = check.failed > 0 ? CLI_FAULT : CLI_OK;
	return 0;
}
