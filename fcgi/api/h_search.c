/*
 * docker search: the first version of Docker's registry protocol, with the
 * members that the engine 20.10 reads.
 */
#include "common/base/base.h"
#include "fcgi/api/api.h"

#include "common/base/err.h"
#include "common/base/num.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/json/jsw.h"
#include "common/model/search.h"
#include "fcgi/api/identity.h"
#include "fcgi/core/metrics.h"

#define TEXT_MAX   256
#define PAGE_MAX   100
#define PAGE_USUAL 25
#define BODY_MAX   ((size_t)1 << 20)

struct asked {
	const char *text;
	int64_t page; /* from 1 */
	int64_t page_size;
};

static int
get_number(const struct req *req, const char *name, int64_t usual, int64_t max,
    int64_t *out, struct err *err)
{
	const char *text = uri_param(&req->uri, name);

	*out = usual;
	if (text == NULL || num_parse_range(text, 1, max, out))
		return 0;
	return err_set(err, E_INVALID,
	    "parameter \"%s\" must be a number from 1 to %" PRId64, name, max);
}

static int
parse(const struct req *req, struct asked *out, struct err *err)
{
	int rc =
	    get_number(req, "n", PAGE_USUAL, PAGE_MAX, &out->page_size, err);

	if (rc == 0)
		rc = get_number(
		    req, "page", 1, SEARCH_FOUND_MAX, &out->page, err);
	if (rc < 0)
		return rc;
	out->text = uri_param(&req->uri, "q");
	if (out->text == NULL)
		out->text = "";
	if (strlen(out->text) > TEXT_MAX)
		return err_set(err, E_INVALID,
		    "parameter \"q\" is longer than %d bytes", TEXT_MAX);
	return 0;
}

static void
put_item(struct jsw *w, const struct search_item *item)
{
	jsw_object(w, NULL);
	jsw_str(w, "name", item->path);
	jsw_str(w, "description", item->description);
	/* the hub's: there are no such things here */
	jsw_bool(w, "is_official", false);
	jsw_bool(w, "is_automated", false);
	jsw_bool(w, "is_trusted", false);
	jsw_int(w, "star_count", 0);
	jsw_end(w);
}

static void
put_answer(struct req *req, const struct asked *asked,
    const struct search_result *found)
{
	size_t size = (size_t)asked->page_size;
	size_t from = ((size_t)asked->page - 1) * size;
	struct str body;
	struct jsw w;

	str_init(&body, req->pool, BODY_MAX);
	jsw_init(&w, &body);
	jsw_object(&w, NULL);
	jsw_int(&w, "num_results", (int64_t)found->count);
	jsw_str(&w, "query", asked->text);
	jsw_int(&w, "page", asked->page);
	jsw_int(&w, "page_size", asked->page_size);
	jsw_int(&w, "num_pages", (int64_t)((found->count + size - 1) / size));
	jsw_array(&w, "results");
	for (size_t i = from; i < found->count && i - from < size; i++)
		put_item(&w, &found->items[i]);
	jsw_end(&w);
	jsw_end(&w);
	jsw_done(&w);
	resp_header(req, "Cache-Control", "no-store");
	resp_send(req, "application/json", body.p, body.len);
}

int
h_search_get(struct req *req, struct err *err)
{
	const struct identity *caller = identity_of(req);
	struct search_result found;
	struct search search = { .text = "" };
	struct asked asked;
	int rc = parse(req, &asked, err);

	if (rc < 0)
		return rc;
	search.text = asked.text;
	if (caller != NULL) {
		search.reader = &caller->id;
		search.reader_is_admin = caller->is_admin;
	}
	rc = search_repositories(api.db, req->pool, &search, &found, err);
	if (rc < 0)
		return rc;
	metric_add(
	    caller != NULL ? API_SEARCHES_USER : API_SEARCHES_ANONYMOUS, 1);
	if (found.is_cut)
		metric_add(API_SEARCHES_CUT, 1);
	put_answer(req, &asked, &found);
	return 0;
}
