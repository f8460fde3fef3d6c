/* dtr gc uploads, objects */
#include "common/base/base.h"

#include "cli/cli.h"
#include "common/base/err.h"
#include "common/base/num.h"
#include "common/blob/blob.h"
#include "common/model/gc.h"
#include "common/model/setting.h"

static int
prepare(struct cli *cli, uint64_t *limit_out, struct settings *settings_out,
    struct err *err)
{
	const char *limit = cli_option(cli, "limit");
	int rc;

	*limit_out = UINT64_MAX;
	if (limit != NULL &&
	    !num_parse_u64(limit, strlen(limit), UINT64_MAX, limit_out))
		return cli_usage(err, "--limit must be a number");
	rc = cli_open_db(cli, err);
	return rc < 0 ? rc
		      : setting_load(cli->db, cli->pool, settings_out, err);
}

int
cmd_gc_uploads(struct cli *cli, struct err *err)
{
	struct settings settings;
	struct gc_result result;
	uint64_t limit;
	int rc = prepare(cli, &limit, &settings, err);

	if (rc == 0)
		rc = gc_uploads(cli->db, settings.upload_expiry,
		    settings.gc_delay, limit, &result, err);
	if (rc < 0)
		return rc;
	cli_say(cli, "%" PRIu64 " uploads dropped", result.removed);
	jsw_int(&cli->w, "dropped", (int64_t)result.removed);
	return 0;
}

int
cmd_gc_objects(struct cli *cli, struct err *err)
{
	struct blob_store *store = NULL;
	struct err last = ERR_INIT;
	struct settings settings;
	struct gc_result result;
	uint64_t limit;
	int rc = prepare(cli, &limit, &settings, err);

	if (rc == 0)
		rc = blob_store_open(&store, &cli->conf, err);
	if (rc == 0)
		rc = gc_objects(
		    cli->db, store, limit, &result, &last, err);
	blob_store_close(&store);
	if (rc < 0)
		return rc;
	cli_say(cli, "%" PRIu64 " objects removed, %" PRIu64 " failed",
	    result.removed, result.failed);
	jsw_int(&cli->w, "removed", (int64_t)result.removed);
	jsw_int(&cli->w, "failed", (int64_t)result.failed);
	if (result.failed == 0)
		return 0;
	*err = last;
	err_prefix(err, "%" PRIu64 " objects could not be removed, tried again "
	    "in an hour; the last one", result.failed);
	/* beside the numbers, not in their place */
	cli_put_error(cli, err);
	cli->exit_code = CLI_FAULT;
	return 0;
}
