/* dtr repository create, list, set */
#include "common/base/base.h"

#include "cli/cli.h"
#include "common/base/err.h"
#include "common/base/num.h"
#include "common/base/pool.h"
#include "common/model/repository.h"
#include "common/oci/name.h"

#define PAGE 1000

static int
parse_yes(const char *name, const char *value, bool *out, struct err *err)
{
	*out = strcmp(value, "yes") == 0;
	if (*out || strcmp(value, "no") == 0)
		return 0;
	return cli_usage(err, "--%s must be yes or no", name);
}

/* what the options say */
struct wish {
	bool is_public;
	bool immutable_tags;
	int64_t tag_limit;
	struct repository_change change;
};

static int
parse_options(const struct cli *cli, struct wish *out, struct err *err)
{
	const char *visibility = cli_option(cli, "visibility");
	const char *immutable = cli_option(cli, "immutable-tags");
	const char *limit = cli_option(cli, "tag-limit");

	*out = (struct wish){
		.change = { .is_public =
				visibility != NULL ? &out->is_public : NULL,
		    .immutable_tags =
			immutable != NULL ? &out->immutable_tags : NULL,
		    .tag_limit = limit != NULL ? &out->tag_limit : NULL }
	};
	if (visibility != NULL) {
		out->is_public = strcmp(visibility, "public") == 0;
		if (!out->is_public && strcmp(visibility, "private") != 0)
			return cli_usage(
			    err, "--visibility must be public or private");
	}
	if (limit != NULL &&
	    !num_parse_range(
		limit, 0, REPOSITORY_TAG_LIMIT_MAX, &out->tag_limit))
		return cli_usage(err,
		    "--tag-limit must be a number from 0 (no limit) to %d",
		    REPOSITORY_TAG_LIMIT_MAX);
	return immutable == NULL
	    ? 0
	    : parse_yes("immutable-tags", immutable, &out->immutable_tags, err);
}

static int
check_name(const char *name, struct err *err)
{
	if (oci_name_is_valid(name) && strchr(name, '/') != NULL)
		return 0;
	return cli_usage(err,
	    "repository name \"%.200s\" is not valid: it is NAMESPACE/NAME of "
	    "lower-case letters and digits with single . _ - between them",
	    name);
}

static void
put(struct cli *cli, const char *name, const struct repository *repository)
{
	cli_say(cli, "%s: %s, tags %s, tag limit %" PRId64, name,
	    repository->is_public ? "public" : "private",
	    repository->immutable_tags ? "immutable" : "movable",
	    repository->tag_limit);
	jsw_str(&cli->w, "name", name);
	jsw_str(&cli->w, "visibility",
	    repository->is_public ? "public" : "private");
	jsw_bool(&cli->w, "immutableTags", repository->immutable_tags);
	jsw_int(&cli->w, "tagLimit", repository->tag_limit);
}

int
cmd_repository_create(struct cli *cli, struct err *err)
{
	const char *name = cli->args[0];
	struct repository repository;
	struct wish wish;
	int rc = check_name(name, err);

	if (rc == 0)
		rc = parse_options(cli, &wish, err);
	if (rc == 0)
		rc = cli_open_db(cli, err);
	if (rc == 0)
		rc = repository_create(
		    cli->db, cli->pool, name, &wish.change, &repository, err);
	if (rc == E_EXISTS)
		return err_set(err, E_EXISTS,
		    "repository \"%s\" exists already; to change it run: dtr "
		    "repository set",
		    name);
	if (rc == 0)
		put(cli, name, &repository);
	return rc;
}

int
cmd_repository_set(struct cli *cli, struct err *err)
{
	struct repository repository;
	struct wish wish;
	int rc = parse_options(cli, &wish, err);

	if (rc == 0)
		rc = cli_open_db(cli, err);
	if (rc == 0)
		rc = repository_find(
		    cli->db, cli->pool, cli->args[0], &repository, err);
	if (rc == 0)
		rc = repository_set(
		    cli->db, &repository.id, &wish.change, &repository, err);
	if (rc == 0)
		put(cli, cli->args[0], &repository);
	return rc;
}

static void
put_row(struct cli_table *table, struct pool *pool,
    const struct repository_summary *s)
{
	cli_table_row(table,
	    (const char *const[]){
		s->path,
		s->repository.is_public ? "public" : "private",
		s->repository.immutable_tags ? "yes" : "no",
		pool_printf(pool, "%" PRId64, s->repository.tag_limit),
		pool_printf(pool, "%" PRId64, s->pushes),
		pool_printf(pool, "%" PRId64, s->pulls),
	    });
}

int
cmd_repository_list(struct cli *cli, struct err *err)
{
	static const struct cli_column columns[] = {
		{ "name", CLI_TEXT },
		{ "visibility", CLI_TEXT },
		{ "immutableTags", CLI_BOOL },
		{ "tagLimit", CLI_NUMBER },
		{ "pushes", CLI_NUMBER },
		{ "pulls", CLI_NUMBER },
	};
	struct repository_summary *page;
	const char *after = "";
	struct cli_table table;
	size_t count = PAGE;
	int rc = cli_open_db(cli, err);

	if (rc < 0)
		return rc;
	cli_table_begin(
	    &table, cli, "repositories", columns, COUNT_OF(columns));
	while (count == PAGE) {
		rc = repository_list(
		    cli->db, cli->pool, after, PAGE, &page, &count, err);
		if (rc == 0)
			rc = cli_table_room(&table, count, err);
		if (rc < 0)
			return rc;
		for (size_t i = 0; i < count; i++)
			put_row(&table, cli->pool, &page[i]);
		after = count > 0 ? page[count - 1].path : after;
	}
	cli_table_end(&table);
	return 0;
}
