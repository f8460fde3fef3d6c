/* Manifests that refer to a subject: the referrers API of OCI 1.1. */
#include "common/base/base.h"
#include "fcgi/registry/registry.h"

#include "common/base/err.h"
#include "common/base/num.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/json/jsw.h"
#include "common/model/manifest.h"
#include "common/model/model.h"
#include "common/model/referrer.h"
#include "common/oci/manifest.h"
#include "common/oci/name.h"
#include "common/oci/referrer_index.h"
#include "fcgi/registry/auth.h"
#include "fcgi/registry/reply.h"

#define BODY_MAX ((size_t)32 << 20)
/* annotations of a page; a fallback index beyond it has the first pages alone */
#define PAGE_BYTES ((size_t)2 << 20)
/* no answer is longer than the largest manifest that all clients take */
#define FALLBACK_BYTES ((size_t)3 << 20)
/* of a Link: how many entries of the fallback index came before */
#define FALLBACK_PARAMETER "fallback"

/* 1 there is an index under the subject's fallback tag, 0 there is none */
static int
load_fallback(struct req *req, const struct referrer_query *query,
    const char **payload_out, size_t *n_out, struct err *err)
{
	char tag[OCI_DIGEST_TEXT_SIZE];
	struct manifest manifest;
	int rc;

	oci_digest_put(tag, &query->subject);
	tag[strcspn(tag, ":")] = '-';
	tag[strcspn(tag, "-") + 1 + OCI_ATTACHED_DIGITS] = '\0';
	rc = manifest_find_tag(
	    registry.db, req->pool, query->path, tag, &manifest, err);
	if (rc == 0 && strcmp(manifest.media_type, OCI_TYPE_INDEX) != 0)
		return 0;
	if (rc == 0)
		rc = manifest_payload(
		    registry.db, req->pool, &manifest, payload_out, err);
	if (rc == E_NOTFOUND) {
		err_clear(err);
		return 0;
	}
	*n_out = rc == 0 ? manifest.size : 0;
	return rc < 0 ? rc : 1;
}

/* which of them referrer_list() does not know */
static int
choose(struct req *req, const struct referrer_query *query,
    const struct oci_referrer *entries, size_t count, bool *keep,
    struct err *err)
{
	struct oci_digest *digests =
	    pool_array(req->pool, count, sizeof(*digests));

	for (size_t i = 0; i < count; i++)
		digests[i] = entries[i].digest;
	return referrer_keep_fallback(
	    registry.db, req->pool, query, digests, count, keep, err);
}

/* clients that did not find this API kept a list of their own: what it names
 * and we do not know belongs to the first page, or pages: *from_io is where
 * the next one begins, 0 when there is none */
static int
put_fallback(struct req *req, const struct referrer_query *query, struct jsw *w,
    size_t *from_io, struct err *err)
{
	struct oci_referrer *entries;
	const char *payload;
	size_t count, n, i = *from_io;
	bool *keep;
	int rc = load_fallback(req, query, &payload, &n, err);

	*from_io = 0;
	if (rc <= 0)
		return rc;
	count = oci_referrer_index_parse(
	    req->pool, query->artifact_type, payload, n, &entries);
	if (i >= count)
		return 0;
	keep = pool_array(req->pool, count, sizeof(*keep));
	rc = choose(req, query, entries + i, count - i, keep + i, err);
	if (rc < 0)
		return rc;
	for (; i < count; i++) {
		if (!keep[i])
			continue;
		if (w->out->len >= FALLBACK_BYTES)
			break;
		oci_referrer_put(w, &entries[i]);
	}
	*from_io = i < count ? i : 0;
	return 0;
}

static void
put_link(struct req *req, const struct referrer_query *query,
    const char *parameter, const char *value)
{
	resp_printf(req, "Link", "<%s?%s=%s%s%s>; rel=\"next\"", req->uri.path,
	    parameter, value,
	    query->artifact_type != NULL ? "&artifactType=" : "",
	    query->artifact_type != NULL
		? uri_encode(req->pool, query->artifact_type)
		: "");
}

static void
put_link_behind(struct req *req, const struct referrer_query *query,
    const struct rand_id *last)
{
	char text[RAND_ID_TEXT_SIZE];

	rand_id_put(text, last);
	put_link(req, query, "last", text);
}

static void
put_link_fallback(
    struct req *req, const struct referrer_query *query, size_t from)
{
	char text[NUM_TEXT_SIZE];

	num_put_u64(text, from);
	put_link(req, query, FALLBACK_PARAMETER, text);
}

static int
put_page(struct req *req, struct referrer_query *query, struct jsw *w,
    size_t room, struct err *err)
{
	struct referrer *found = NULL;
	struct rand_id last;
	size_t count;
	bool more;
	int rc;

	query->annotations_max = room;
	rc = referrer_list(
	    registry.db, req->pool, query, &found, &count, &more, &last, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < count; i++) {
		struct oci_referrer entry = { .digest = found[i].digest,
			.media_type = found[i].media_type,
			.size = (int64_t)found[i].size,
			.artifact_type = found[i].artifact_type,
			.annotations = found[i].annotations };

		oci_referrer_put(w, &entry);
	}
	if (more)
		put_link_behind(req, query, &last);
	return 0;
}

/* after a fallback index that fills the page */
static int
put_rest(struct req *req, const struct referrer_query *query, struct err *err)
{
	bool more;
	int rc = referrer_is_more(registry.db, req->pool, query, &more, err);

	if (rc == 0 && more)
		put_link_behind(req, query, &query->after);
	return rc;
}

/* where the parameters of a Link point: into the fallback index (*first_out)
 * or behind it */
static int
parse_place(struct req *req, struct rand_id *after, bool *first_out,
    size_t *fallback_out, struct err *err)
{
	const char *last = uri_param(&req->uri, "last");
	const char *fallback = uri_param(&req->uri, FALLBACK_PARAMETER);
	uint64_t from = 0;

	if ((last != NULL && !rand_id_parse(after, last)) ||
	    (fallback != NULL &&
		!num_parse_u64(
		    fallback, strlen(fallback), OCI_DESCRIPTORS_MAX, &from))) {
		err_set(err, E_INVALID,
		    "parameter last or " FALLBACK_PARAMETER
		    " is not that of a Link header");
		return err_reason(err, "PAGINATION_NUMBER_INVALID");
	}
	*first_out = last == NULL;
	*fallback_out = (size_t)from;
	return 0;
}

static int
parse_query(struct req *req, struct referrer_query *out, bool *first_out,
    size_t *fallback_out, struct err *err)
{
	int rc;

	*out = (struct referrer_query){ .path = req->args[0],
		.artifact_type = uri_param(&req->uri, "artifactType") };
	if (out->artifact_type != NULL && out->artifact_type[0] == '\0')
		out->artifact_type = NULL;
	rc = parse_place(req, &out->after, first_out, fallback_out, err);
	return rc < 0 ? rc
		      : reply_parse_digest(&out->subject, req->args[1], err);
}

int
h_referrers_get(struct req *req, struct err *err)
{
	struct referrer_query query;
	struct str body;
	struct jsw w;
	size_t fallback = 0;
	bool first;
	int rc = parse_query(req, &query, &first, &fallback, err);

	if (rc < 0)
		return rc;
	str_init(&body, req->pool, BODY_MAX);
	jsw_init(&w, &body);
	jsw_object(&w, NULL);
	jsw_int(&w, "schemaVersion", 2);
	jsw_str(&w, "mediaType", OCI_TYPE_INDEX);
	jsw_array(&w, "manifests");
	if (first)
		rc = put_fallback(req, &query, &w, &fallback, err);
	if (rc == 0 && first && fallback > 0)
		put_link_fallback(req, &query, fallback);
	else if (rc == 0 && body.len >= PAGE_BYTES)
		rc = put_rest(req, &query, err);
	else if (rc == 0)
		rc = put_page(req, &query, &w, PAGE_BYTES - body.len, err);
	if (rc < 0)
		return rc;
	jsw_end(&w);
	jsw_end(&w);
	jsw_done(&w);
	if (str_is_full(&body))
		return err_set(err, E_INTERNAL, "the list is too long");
	if (query.artifact_type != NULL)
		resp_header(req, "OCI-Filters-Applied", "artifactType");
	resp_send(req, OCI_TYPE_INDEX, body.p, body.len);
	return 0;
}
