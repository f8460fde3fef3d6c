/* Manifests that refer to a subject: the referrers API of OCI 1.1. */
#include "common/base/base.h"
#include "fcgi/registry/registry.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/json/jscheck.h"
#include "common/json/jsr.h"
#include "common/json/jsw.h"
#include "common/model/manifest.h"
#include "common/model/model.h"
#include "common/model/referrer.h"
#include "common/oci/manifest.h"
#include "fcgi/registry/auth.h"
#include "fcgi/registry/reply.h"

#define BODY_MAX ((size_t)32 << 20)
/* annotations of a page; a fallback index beyond it has the first page alone */
#define PAGE_BYTES ((size_t)2 << 20)
/* no answer is longer than the largest manifest that all clients take */
#define FALLBACK_BYTES ((size_t)3 << 20)
/* of a fallback tag: the algorithm, "-", and so many digits of the digest */
#define FALLBACK_DIGITS 64

static const struct jscheck_limits limits = {
	.bytes = (size_t)16 << 20,
	.depth = 64,
	.values = 400000,
};

/* one descriptor of the answer, whatever it was read from */
struct entry {
	struct oci_digest digest;
	const char *media_type;
	int64_t size;
	const char *artifact_type; /* NULL: none */
	const char *annotations;   /* a JSON object, or NULL */
};

static void
put_entry(struct jsw *w, const struct entry *entry)
{
	char digest[OCI_DIGEST_TEXT_SIZE];

	oci_digest_put(digest, &entry->digest);
	jsw_object(w, NULL);
	jsw_str(w, "mediaType", entry->media_type);
	jsw_str(w, "digest", digest);
	jsw_int(w, "size", entry->size);
	if (entry->artifact_type != NULL)
		jsw_str(w, "artifactType", entry->artifact_type);
	if (entry->annotations != NULL)
		jsw_raw(w, "annotations", entry->annotations,
		    strlen(entry->annotations));
	jsw_end(w);
}

/* false: not a descriptor, which an index that anybody may push can hold */
static bool
parse_entry(struct entry *out, const struct jsr *item)
{
	struct jsr annotations = { .node = NULL };
	const char *digest;
	struct err ignored;

	*out = (struct entry){ .media_type = "" };
	if (jsr_as_object(item, &ignored) < 0 ||
	    jsr_str(item, "digest", true, &digest, &ignored) < 0 ||
	    oci_digest_parse(&out->digest, digest, &ignored) < 0 ||
	    jsr_str(item, "mediaType", true, &out->media_type, &ignored) < 0 ||
	    jsr_int(item, "size", true, 0, INT64_MAX, &out->size, &ignored) < 0 ||
	    jsr_str(item, "artifactType", false, &out->artifact_type,
		&ignored) < 0 ||
	    jsr_object(item, "annotations", false, &annotations, &ignored) < 0)
		return false;
	if (annotations.node != NULL)
		out->annotations = jsr_text(&annotations);
	return true;
}

static size_t
parse_index(struct pool *pool, const struct referrer_query *query,
    const char *payload, size_t n, struct entry **out)
{
	struct jsr root, list = { .node = NULL };
	struct err ignored;
	size_t count = 0;

	*out = NULL;
	if (jsr_parse(pool, payload, n, &limits, &root, &ignored) < 0 ||
	    jsr_array(&root, "manifests", false, OCI_DESCRIPTORS_MAX, &list,
		&ignored) < 0)
		return 0;
	*out = pool_array(pool, jsr_count(&list), sizeof(**out));
	for (size_t i = 0; i < jsr_count(&list); i++) {
		struct jsr item = jsr_item(&list, i);
		struct entry *entry = &(*out)[count];

		if (parse_entry(entry, &item) &&
		    (query->artifact_type == NULL ||
			(entry->artifact_type != NULL &&
			    strcmp(entry->artifact_type,
				query->artifact_type) == 0)))
			count++;
	}
	return count;
}

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
	tag[strcspn(tag, "-") + 1 + FALLBACK_DIGITS] = '\0';
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

/* clients that did not find this API kept a list of their own: what it names
 * and we do not know belongs to the first page */
static int
put_fallback(struct req *req, const struct referrer_query *query,
    struct jsw *w, struct err *err)
{
	struct oci_digest *digests;
	struct entry *entries;
	const char *payload;
	size_t count, n;
	bool *keep;
	int rc = load_fallback(req, query, &payload, &n, err);

	if (rc <= 0)
		return rc;
	count = parse_index(req->pool, query, payload, n, &entries);
	digests = pool_array(req->pool, count, sizeof(*digests));
	keep = pool_array(req->pool, count, sizeof(*keep));
	for (size_t i = 0; i < count; i++)
		digests[i] = entries[i].digest;
	rc = referrer_keep_fallback(
	    registry.db, req->pool, query, digests, count, keep, err);
	for (size_t i = 0; rc == 0 && i < count && w->out->len < FALLBACK_BYTES;
	     i++)
		if (keep[i])
			put_entry(w, &entries[i]);
	return rc;
}

static void
put_link(struct req *req, const struct referrer_query *query,
    const struct rand_id *last)
{
	char text[RAND_ID_TEXT_SIZE];

	rand_id_put(text, last);
	resp_printf(req, "Link", "<%s?last=%s%s%s>; rel=\"next\"",
	    req->uri.path, text,
	    query->artifact_type != NULL ? "&artifactType=" : "",
	    query->artifact_type != NULL
		? uri_encode(req->pool, query->artifact_type)
		: "");
}

static int
put_page(struct req *req, struct referrer_query *query, struct jsw *w,
    size_t room, struct err *err)
{
	struct referrer *found = NULL;
	size_t count;
	bool more;
	int rc;

	query->annotations_max = room;
	rc = referrer_list(
	    registry.db, req->pool, query, &found, &count, &more, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < count; i++) {
		struct entry entry = { .digest = found[i].digest,
			.media_type = found[i].media_type,
			.size = (int64_t)found[i].size,
			.artifact_type = found[i].artifact_type,
			.annotations = found[i].annotations };

		put_entry(w, &entry);
	}
	if (more)
		put_link(req, query, &found[count - 1].id);
	return 0;
}

static int
parse_query(struct req *req, struct referrer_query *out, bool *first_out,
    struct err *err)
{
	const char *last = uri_param(&req->uri, "last");

	*out = (struct referrer_query){ .path = req->args[0],
		.artifact_type = uri_param(&req->uri, "artifactType") };
	if (out->artifact_type != NULL && out->artifact_type[0] == '\0')
		out->artifact_type = NULL;
	*first_out = last == NULL;
	if (last != NULL && !rand_id_parse(&out->after, last)) {
		err_set(err, E_INVALID,
		    "parameter last is not that of a Link header");
		return err_reason(err, "PAGINATION_NUMBER_INVALID");
	}
	return reply_parse_digest(&out->subject, req->args[1], err);
}

int
h_referrers_get(struct req *req, struct err *err)
{
	struct referrer_query query;
	struct str body;
	struct jsw w;
	bool first;
	int rc = parse_query(req, &query, &first, err);

	if (rc < 0)
		return rc;
	str_init(&body, req->pool, BODY_MAX);
	jsw_init(&w, &body);
	jsw_object(&w, NULL);
	jsw_int(&w, "schemaVersion", 2);
	jsw_str(&w, "mediaType", OCI_TYPE_INDEX);
	jsw_array(&w, "manifests");
	if (first)
		rc = put_fallback(req, &query, &w, err);
	if (rc == 0 && body.len >= PAGE_BYTES)
		put_link(req, &query, &query.after);
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
