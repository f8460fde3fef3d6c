/* Manifests and indexes: store them and set tags. */
#include "common/base/base.h"
#include "fcgi/registry/registry.h"

#include "common/base/err.h"
#include "common/base/str.h"
#include "common/blob/blob.h"
#include "common/conf/conf.h"
#include "common/model/manifest_push.h"
#include "common/model/model.h"
#include "common/model/setting.h"
#include "common/model/tag.h"
#include "common/oci/name.h"
#include "fcgi/core/metrics.h"
#include "fcgi/registry/auth.h"
#include "fcgi/registry/note.h"
#include "fcgi/registry/reference.h"
#include "fcgi/registry/regerr.h"
#include "fcgi/registry/reply.h"

#define TAGS_HEADER_MAX ((OCI_TAG_MAX + 2) * MANIFEST_TAGS_MAX)

static int
check_digest(const struct reference *reference, const char *payload, size_t n,
    struct oci_digest *out, struct err *err)
{
	char text[OCI_DIGEST_TEXT_SIZE];

	oci_digest_of(out,
	    reference->tag != NULL ? DIGEST_SHA256
				   : reference->digest.algorithm,
	    payload, n);
	if (reference->tag != NULL ||
	    oci_digest_equal(out, &reference->digest))
		return 0;
	oci_digest_put(text, out);
	err_set(err, E_INVALID,
	    "the manifest has digest %s, not the one in the address", text);
	return err_reason(err, "DIGEST_INVALID");
}

static bool
has_tag(const struct manifest_push *push, const char *tag)
{
	for (size_t i = 0; i < push->tag_count; i++)
		if (strcmp(push->tags[i], tag) == 0)
			return true;
	return false;
}

/* the tag in the address, or those of "?tag=" behind a digest */
static int
collect_tags(struct req *req, const struct reference *reference,
    struct manifest_push *push, struct err *err)
{
	if (reference->tag != NULL) {
		push->tags[push->tag_count++] = reference->tag;
		return 0;
	}
	for (size_t i = 0; i < req->uri.param_count; i++) {
		const struct uri_param *param = &req->uri.params[i];
		int rc;

		if (strcmp(param->name, "tag") != 0)
			continue;
		rc = reference_check_tag(param->value, err);
		if (rc < 0)
			return rc;
		if (has_tag(push, param->value))
			continue;
		if (push->tag_count == MANIFEST_TAGS_MAX) {
			err_set(err, E_TOOBIG,
			    "more than %d tags at once; push the manifest "
			    "again with the others",
			    MANIFEST_TAGS_MAX);
			return err_reason(err, REGERR_TOO_MANY_TAGS);
		}
		push->tags[push->tag_count++] = param->value;
	}
	return 0;
}

static void
put_tags(struct req *req, const struct manifest_push *push)
{
	struct str text;

	str_init(&text, req->pool, TAGS_HEADER_MAX);
	for (size_t i = 0; i < push->tag_count; i++)
		str_printf(&text, "%s%s", i > 0 ? ", " : "", push->tags[i]);
	resp_header(req, "OCI-Tag", text.p);
}

static void
reply_pushed(struct req *req, const struct reference *reference,
    const struct manifest_push *push)
{
	char text[OCI_DIGEST_TEXT_SIZE];

	if (push->document->has_subject) {
		oci_digest_put(text, &push->document->subject.digest);
		resp_header(req, "OCI-Subject", text);
	}
	if (reference->tag == NULL && push->tag_count > 0)
		put_tags(req, push);
	if (push->removed_tags > 0)
		reply_warning(req,
		    "%zu of the oldest tags were removed: this repository "
		    "keeps %" PRId64 "%s",
		    push->removed_tags, push->repository.tag_limit,
		    push->removed_tags < TAG_TRIM_MAX
			? ""
			: "; others may go with the next push");
	oci_digest_put(text, &push->digest);
	reply_created(req, "manifests", text);
}

static int
push(struct req *req, struct manifest_push *push_io, struct err *err)
{
	struct settings settings;
	int rc = settings_current(registry.db, &settings, err);

	if (rc < 0)
		return rc;
	push_io->path = req->args[0];
	push_io->may_create = settings.create_on_push;
	push_io->actor = note_actor(req);
	push_io->promise_s = settings.gc_promise;
	push_io->history_s = settings.tag_history;
	push_io->if_match = req_header(req, "IF_MATCH");
	push_io->if_none_match = req_header(req, "IF_NONE_MATCH");
	return manifest_push(registry.db, req->pool, push_io, err);
}

static int
read_body(struct req *req, struct manifest_push *push_io, struct err *err)
{
	int rc = req_read_all(req, (size_t)registry.conf->registry_manifest_max,
	    &push_io->payload, &push_io->size, err);

	return rc < 0 ? err_reason(err, "MANIFEST_INVALID") : 0;
}

static int
parse_document(struct req *req, const struct manifest_push *push_io,
    struct oci_manifest *out, struct err *err)
{
	const char *type = req_cgi(req, "CONTENT_TYPE");
	struct settings settings;
	int rc = settings_current(registry.db, &settings, err);

	if (rc < 0)
		return rc;
	if (settings.any_manifest && oci_manifest_is_other(type))
		return oci_manifest_parse_other(out, req->pool, type,
		    push_io->payload, push_io->size, err);
	return oci_manifest_parse(
	    out, req->pool, type, push_io->payload, push_io->size, err);
}

int
h_manifest_put(struct req *req, struct err *err)
{
	struct manifest_push push_io = { .payload = NULL };
	struct oci_manifest document;
	struct reference reference;
	int rc = reference_parse(&reference, req->args[1], err);

	if (rc == 0)
		rc = collect_tags(req, &reference, &push_io, err);
	if (rc == 0)
		rc = blob_store_check_space(registry.store, err);
	if (rc == 0)
		rc = read_body(req, &push_io, err);
	if (rc == 0)
		rc = parse_document(req, &push_io, &document, err);
	if (rc == 0)
		rc = check_digest(&reference, push_io.payload, push_io.size,
		    &push_io.digest, err);
	if (rc < 0)
		return rc;
	push_io.document = &document;
	rc = push(req, &push_io, err);
	if (rc == E_INVALID && push_io.missing_count > 0) {
		regerr_put_missing(req, &push_io);
		return 0;
	}
	if (rc < 0)
		return rc;
	metric_add(REGISTRY_MANIFESTS_PUSHED, 1);
	reply_pushed(req, &reference, &push_io);
	return 0;
}
