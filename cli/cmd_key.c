/* dtr key rotate, list */
#include "common/base/base.h"

#include "cli/cli.h"
#include "common/base/err.h"
#include "common/base/num.h"
#include "common/base/pool.h"
#include "common/model/token_key.h"

/* until then all replicas have read the certificate */
#define PUBLISH_S 10
/* tokens made while the key changes, and clocks that differ */
#define SLACK_S 120

/* All that can verify must fit what verifiers read. */
static int
check_room(struct cli *cli, struct err *err)
{
	struct token_key *keys;
	size_t count;
	int rc = token_key_list(cli->db, cli->pool, &keys, &count, err);

	if (rc == 0 && count >= TOKEN_KEYS_MAX)
		return err_set(err, E_LIMIT,
		    "there are %zu keys already, from rotations of the last "
		    "minutes; wait %lld seconds",
		    count, (long long)cli->conf.garant_token_life + SLACK_S);
	return rc;
}

/* A new key that other nodes cannot open would stop their garant. */
static int
check_cluster_key(
    struct cli *cli, const unsigned char *cluster_key, struct err *err)
{
	int rc = token_key_opens(cli->db, cli->pool, cluster_key, err);

	if (rc == 0)
		return err_set(err, E_CONFLICT,
		    "the cluster-key in \"%s\" is not the one of this "
		    "database: copy it from another node; if it is lost for "
		    "good, run: dtr key rotate --force",
		    cli->conf.secrets_dir);
	return rc < 0 ? rc : 0;
}

int
cmd_key_rotate(struct cli *cli, struct err *err)
{
	bool force = cli_option(cli, "force") != NULL;
	int64_t delay = force || cli_option(cli, "now") != NULL ? 0 : PUBLISH_S;
	const unsigned char *cluster_key;
	const char *kid;
	int64_t overlap;
	int rc = cli_open_db(cli, err);

	if (rc == 0)
		rc = token_key_cluster_key(
		    &cli->conf, cli->pool, &cluster_key, err);
	if (rc == 0 && !force)
		rc = check_cluster_key(cli, cluster_key, err);
	if (rc == 0)
		rc = token_key_purge(cli->db, err);
	if (rc == 0)
		rc = check_room(cli, err);
	if (rc < 0)
		return rc;
	overlap = cli->conf.garant_token_life + SLACK_S;
	rc = token_key_create(
	    cli->db, cli->pool, cluster_key, delay, overlap, &kid, err);
	if (rc < 0)
		return rc;
	cli_say(cli, "key %s made, it signs in %lld seconds", kid,
	    (long long)delay);
	cli_say(cli, "earlier keys verify for %lld more seconds",
	    (long long)overlap);
	jsw_str(&cli->w, "kid", kid);
	jsw_int(&cli->w, "signs_in_s", delay);
	jsw_int(&cli->w, "overlap_s", overlap);
	return 0;
}

static const char *
put_number(struct pool *pool, int64_t number)
{
	char text[NUM_TEXT_SIZE];

	num_put_i64(text, number);
	return pool_strdup(pool, text);
}

int
cmd_key_list(struct cli *cli, struct err *err)
{
	static const struct cli_column columns[] = {
		{ "kid", CLI_TEXT },
		{ "state", CLI_TEXT },
		{ "age_s", CLI_NUMBER },
		{ "ends_in_s", CLI_NUMBER },
	};
	struct token_key_state *keys;
	struct cli_table table;
	size_t count;
	int rc = cli_open_db(cli, err);

	if (rc == 0)
		rc = token_key_states(cli->db, cli->pool, &keys, &count, err);
	if (rc < 0)
		return rc;
	cli_table_begin(&table, cli, "keys", columns, COUNT_OF(columns));
	for (size_t i = 0; i < count; i++) {
		const struct token_key_state *k = &keys[i];
		const char *state = k->signs ? "signs"
		    : k->is_next             ? "next"
					     : "verifies";

		cli_table_row(&table,
		    (const char *const[]){ k->kid, state,
			put_number(cli->pool, k->age_s),
			k->ends_in_s < 0
			    ? NULL
			    : put_number(cli->pool, k->ends_in_s) });
	}
	cli_table_end(&table);
	return 0;
}
