/* dtr tag history, restore */
#include "common/base/base.h"

#include "cli/cli.h"
#include "cli/owner.h"
#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/model/event.h"
#include "common/model/repository.h"
#include "common/model/setting.h"
#include "common/model/tag_history.h"
#include "common/oci/name.h"

#define PAGE  1000
#define PAGES 10

struct place {
	const char *repository;
	const char *tag; /* NULL: not given */
};

static int
parse_place(const struct cli *cli, struct place *out, struct err *err)
{
	const char *text = cli->args[0];
	const char *colon = strchr(text, ':');

	*out = (struct place){ .repository = text };
	if (colon != NULL) {
		out->repository =
		    pool_memdup(cli->pool, text, (size_t)(colon - text));
		out->tag = colon + 1;
	}
	if (oci_name_is_valid(out->repository) &&
	    (out->tag == NULL || oci_tag_is_valid(out->tag)))
		return 0;
	return cli_usage(err,
	    "\"%.200s\" is not valid: it is NAMESPACE/NAME or "
	    "NAMESPACE/NAME:TAG",
	    text);
}

static int
find_repository(struct cli *cli, const struct place *place,
    struct repository *out, struct err *err)
{
	int rc = cli_open_db(cli, err);

	return rc < 0
	    ? rc
	    : repository_find(cli->db, cli->pool, place->repository, out, err);
}

static const char *
put_digest(struct pool *pool, const struct oci_digest *digest)
{
	char text[OCI_DIGEST_TEXT_SIZE];

	oci_digest_put(text, digest);
	return pool_strdup(pool, text);
}

static void
put_row(struct cli_table *table, struct pool *pool, const struct tag_past *past)
{
	cli_table_row(table,
	    (const char *const[]){
		past->happened,
		past->tag,
		past->is_deletion ? "deleted" : "moved",
		put_digest(pool, &past->digest),
		past->account,
		past->expires,
		past->is_live ? "yes" : "no",
	    });
}

int
cmd_tag_history(struct cli *cli, struct err *err)
{
	static const struct cli_column columns[] = {
		{ "happened", CLI_TEXT },
		{ "tag", CLI_TEXT },
		{ "change", CLI_TEXT },
		{ "digest", CLI_TEXT },
		{ "account", CLI_TEXT },
		{ "expires", CLI_TEXT },
		{ "restorable", CLI_BOOL },
	};
	struct repository repository;
	struct tag_past *page = NULL;
	size_t count = PAGE, pages = 0;
	struct cli_table table;
	struct place place;
	int rc = parse_place(cli, &place, err);

	if (rc == 0)
		rc = find_repository(cli, &place, &repository, err);
	if (rc < 0)
		return rc;
	cli_table_begin(&table, cli, "changes", columns, COUNT_OF(columns));
	while (count == PAGE && pages++ < PAGES) {
		rc = tag_history_list(cli->db, cli->pool, &repository.id,
		    place.tag, page != NULL ? &page[PAGE - 1] : NULL, PAGE,
		    &page, &count, err);
		if (rc < 0)
			return rc;
		for (size_t i = 0; i < count; i++)
			put_row(&table, cli->pool, &page[i]);
	}
	cli_table_end(&table);
	return 0;
}

static int
parse_restore(struct cli *cli, struct place *place_out,
    struct oci_digest *digest_out, struct err *err)
{
	const char *digest = cli_option(cli, "digest");
	int rc = parse_place(cli, place_out, err);

	if (rc < 0)
		return rc;
	if (place_out->tag == NULL)
		return cli_usage(err, "no tag given: it is NAMESPACE/NAME:TAG");
	if (digest == NULL || oci_digest_parse(digest_out, digest, err) == 0)
		return 0;
	return cli_usage(err,
	    "--digest must be sha256: or sha512: and its lower-case "
	    "hexadecimal digits");
}

static int
check_writable(const struct settings *settings, struct err *err)
{
	if (!settings->read_only)
		return 0;
	return err_set(err, E_DENIED,
	    "the registry is read-only for now; to change that run: dtr "
	    "setting set readOnly false");
}

static void
put_restored(struct cli *cli, const struct tag_restore *restore)
{
	const char *now = put_digest(cli->pool, &restore->now.digest);
	const char *before = restore->was_there
	    ? put_digest(cli->pool, &restore->before.digest)
	    : NULL;

	if (restore->is_changed)
		cli_say(cli, "%s:%s points to %s again, it was %s",
		    restore->path, restore->tag, now,
		    before != NULL ? before : "deleted");
	else
		cli_say(cli, "%s:%s points to %s already, nothing changed",
		    restore->path, restore->tag, now);
	if (restore->removed_tags > 0)
		cli_say(cli,
		    "%zu of the oldest tags were removed: this repository "
		    "keeps %" PRId64,
		    restore->removed_tags, restore->repository->tag_limit);
	jsw_str(&cli->w, "repository", restore->path);
	jsw_str(&cli->w, "tag", restore->tag);
	jsw_str(&cli->w, "digest", now);
	jsw_str(&cli->w, "before", before);
	jsw_bool(&cli->w, "changed", restore->is_changed);
	jsw_int(&cli->w, "removedTags", (int64_t)restore->removed_tags);
}

int
cmd_tag_restore(struct cli *cli, struct err *err)
{
	/* nobody of the registry: who called the command */
	struct actor actor = { .user_agent = pool_printf(cli->pool,
				   "dtr/" PACKAGE_VERSION " (%s)",
				   owner_name(cli->pool, getuid())) };
	struct repository repository;
	struct oci_digest digest;
	struct settings settings;
	struct place place;
	struct tag_restore restore;
	int rc = parse_restore(cli, &place, &digest, err);

	if (rc == 0)
		rc = find_repository(cli, &place, &repository, err);
	if (rc == 0)
		rc = setting_load(cli->db, cli->pool, &settings, err);
	if (rc == 0)
		rc = check_writable(&settings, err);
	if (rc < 0)
		return rc;
	restore = (struct tag_restore){
		.path = place.repository,
		.repository = &repository,
		.tag = place.tag,
		.digest = cli_option(cli, "digest") != NULL ? &digest : NULL,
		.actor = &actor,
		.history_s = settings.tag_history,
	};
	rc = tag_restore(cli->db, cli->pool, &restore, err);
	if (rc == 0)
		put_restored(cli, &restore);
	return rc;
}
