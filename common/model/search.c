#include "common/base/base.h"
#include "common/model/search.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/model/model.h"
#include "common/model/q.h"
#include "common/model/search_words.h"
#include "common/oci/name.h"

#define STEP      1000
#define STEP_SIZE ((size_t)16 << 20)

/* a search under way */
struct run {
	const struct search *search;
	struct db *db;
	struct pool *pool;
	struct search_terms terms; /* the index is asked for the key */
	struct search_result *found;
};

/* where a step begins: behind this word of this repository */
struct place {
	char word[OCI_NAME_MAX + 1];
	struct rand_id id;
};

int
search_add(struct db_tx *tx, const struct rand_id *repository, const char *path,
    struct err *err)
{
	const char *word;
	size_t at = 0;
	int rc = 0;

	for (unsigned n = 0; rc == 0 && n < SEARCH_WORDS_MAX &&
	     (word = search_next_word(path, &at)) != NULL;
	     n++)
		rc = tx_exec(tx, Q_SEARCH_WORD_INSERT, NULL, err, db_text(word),
		    db_id(repository));
	return rc;
}

/* a name may have the key more than once */
static bool
is_known(const struct search_result *found, const struct rand_id *id)
{
	for (size_t i = 0; i < found->count; i++)
		if (rand_id_equal(&found->items[i].id, id))
			return true;
	return false;
}

static void
take(struct run *run, const struct db_rows *rows, size_t i)
{
	struct rand_id id = db_cell_id(rows, i, 1);
	const char *path = db_cell(rows, i, 2)->p;
	struct search_result *found = run->found;

	/* without a path it is being deleted */
	if (path == NULL || db_cell(rows, i, 4)->i != 1 ||
	    !search_terms_match(&run->terms, path) || is_known(found, &id))
		return;
	if (found->count == SEARCH_FOUND_MAX) {
		found->is_cut = true;
		return;
	}
	found->items[found->count++] = (struct search_item){ .id = id,
		.path = pool_strdup(run->pool, path),
		.description = pool_strdup(run->pool, db_cell(rows, i, 3)->p) };
}

/* 1: there may be more behind *place_io */
static int
step(
    struct run *run, struct pool *pool, struct place *place_io, struct err *err)
{
	const struct rand_id *reader = run->search->reader;
	const char *end = pool_printf(pool, "%s" SEARCH_END, run->terms.key);
	struct db_rows rows;
	int rc = db_select(run->db, pool, Q_SEARCH_WORDS, &rows, err,
	    db_int(run->search->reader_is_admin), db_id(reader), db_id(reader),
	    db_id(reader), db_id(reader), db_text(end), db_text(place_io->word),
	    db_text(place_io->word), db_id(&place_io->id), db_int(STEP));

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < rows.count && !run->found->is_cut; i++)
		take(run, &rows, i);
	if (rows.count < STEP || run->found->is_cut)
		return 0;
	snprintf(place_io->word, sizeof(place_io->word), "%s",
	    db_cell(&rows, STEP - 1, 0)->p);
	place_io->id = db_cell_id(&rows, STEP - 1, 1);
	return 1;
}

static int
look(struct run *run, struct err *err)
{
	struct pool *pool = pool_new(STEP_SIZE);
	struct place place = { .word = "" };
	int rc = 1;

	memcpy(place.word, run->terms.key, strlen(run->terms.key));
	for (size_t looked = 0; rc == 1 && looked < SEARCH_LOOK_MAX;
	     looked += STEP) {
		rc = step(run, pool, &place, err);
		pool_clear(pool);
	}
	run->found->is_cut |= rc == 1;
	pool_free(&pool);
	return rc < 0 ? rc : 0;
}

static int
rank(const char *path, const char *key)
{
	const char *slash = strchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;

	if (strcmp(name, key) == 0)
		return 0;
	return strncmp(name, key, strlen(key)) == 0 ? 1 : 2;
}

static int
compare(const void *a, const void *b, void *key)
{
	const struct search_item *x = a, *y = b;
	int by_rank = rank(x->path, key) - rank(y->path, key);

	return by_rank != 0 ? by_rank : strcmp(x->path, y->path);
}

int
search_repositories(struct db *db, struct pool *pool,
    const struct search *search, struct search_result *out, struct err *err)
{
	struct run run = {
		.search = search, .db = db, .pool = pool, .found = out
	};
	int rc = search_terms_parse(&run.terms, pool, search->text, err);

	*out = (struct search_result){
		.items = pool_array(pool, SEARCH_FOUND_MAX, sizeof(*out->items))
	};
	if (rc == 0 && search_terms_may_match(&run.terms))
		rc = look(&run, err);
	if (rc == 0)
		qsort_r(out->items, out->count, sizeof(*out->items), compare,
		    pool_strdup(pool, run.terms.key));
	return rc;
}
