/* Manifests and indexes: read, store, delete; tags with them. */
#include "common/base/base.h"
#include "fcgi/registry/registry.h"

#include "common/base/err.h"
#include "common/conf/conf.h"
#include "common/model/manifest.h"
#include "common/model/model.h"
#include "common/model/repository.h"
#include "common/model/setting.h"
#include "common/model/tag.h"
#include "common/oci/name.h"
#include "fcgi/core/cache.h"
#include "fcgi/core/metrics.h"
#include "fcgi/registry/auth.h"
#include "fcgi/registry/regerr.h"
#include "fcgi/registry/reply.h"

/* the last part of the address: a digest has a colon, a tag cannot */
struct reference {
	const char *tag; /* NULL: a digest */
	struct oci_digest digest;
};

static int
parse_reference(struct reference *out, const char *text, struct err *err)
{
	out->tag = NULL;
	if (strchr(text, ':') != NULL)
		return reply_parse_digest(&out->digest, text, err);
	if (!oci_tag_is_valid(text)) {
		err_set(err, E_INVALID,
		    "tag \"%.140s\" is not valid: 1 to %d letters, digits, "
		    "_ . -, not beginning with . or -",
		    text, OCI_TAG_MAX);
		return err_reason(err, "TAG_INVALID");
	}
	out->tag = text;
	return 0;
}

static int
find(struct req *req, const struct reference *reference, struct manifest *out,
    struct err *err)
{
	if (reference->tag != NULL)
		return manifest_find_tag(registry.db, req->pool, req->args[0],
		    reference->tag, out, err);
	return manifest_find_digest(registry.db, req->pool, req->args[0],
	    &reference->digest, out, err);
}

/* bytes of a digest never change: what was read once is kept in memory;
 * that this repository has the manifest was just asked */
static int
load_payload(struct req *req, const struct manifest *manifest,
    const char **payload_out, struct err *err)
{
	unsigned char key[CACHE_KEY_SIZE];
	size_t n;
	int rc;

	if (manifest->digest.algorithm == DIGEST_SHA256)
		memcpy(key, manifest->digest.bytes, sizeof(key));
	else
		digest_of(DIGEST_SHA256, manifest->digest.bytes,
		    DIGEST_SHA512_SIZE, key);
	*payload_out = cache_get(registry.manifests, key, req->pool, &n);
	if (*payload_out != NULL && n == manifest->size)
		return 0;
	rc = manifest_payload(
	    registry.db, req->pool, manifest, payload_out, err);
	if (rc == 0)
		cache_put(registry.manifests, key, *payload_out,
		    manifest->size, 0);
	return rc;
}

static int
keep_promise(struct req *req, const struct manifest *manifest, struct err *err)
{
	struct settings settings;
	int rc;

	if (req->method != METHOD_HEAD ||
	    !identity_may(auth_identity(req), "repository", req->args[0],
		TOKEN_PUSH))
		return 0;
	rc = settings_current(registry.db, &settings, err);
	if (rc == 0)
		rc = manifest_promise(registry.db, req->pool, manifest,
		    settings.gc_promise, err);
	return rc;
}

int
h_manifest_get(struct req *req, struct err *err)
{
	const char *payload = "";
	char text[OCI_DIGEST_TEXT_SIZE];
	struct reference reference;
	struct manifest manifest;
	int rc = parse_reference(&reference, req->args[1], err);

	if (rc == 0)
		rc = find(req, &reference, &manifest, err);
	if (rc == 0)
		rc = keep_promise(req, &manifest, err);
	if (rc < 0)
		return rc;
	oci_digest_put(text, &manifest.digest);
	if (reply_not_modified(req, text))
		return 0;
	if (req->method == METHOD_GET) {
		rc = load_payload(req, &manifest, &payload, err);
		if (rc < 0)
			return rc;
	}
	reply_digest(req, text);
	resp_header(req, "Cache-Control",
	    reference.tag != NULL ? "no-cache"
				  : "private, max-age=31536000, immutable");
	resp_send(req, manifest.media_type, payload, manifest.size);
	return 0;
}

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

static void
reply_pushed(struct req *req, const struct manifest_push *push)
{
	char text[OCI_DIGEST_TEXT_SIZE];

	if (push->document->has_subject) {
		oci_digest_put(text, &push->document->subject.digest);
		resp_header(req, "OCI-Subject", text);
	}
	oci_digest_put(text, &push->digest);
	reply_created(req, "manifests", text);
}

static int
push(struct req *req, struct manifest_push *push_io, struct err *err)
{
	struct repository repository;
	struct settings settings;
	int rc = settings_current(registry.db, &settings, err);

	if (rc == 0)
		rc = repository_find_or_create(registry.db, req->pool,
		    req->args[0], &repository, err);
	if (rc < 0)
		return rc;
	push_io->repository_id = repository.id;
	push_io->account_id = auth_account(req);
	push_io->promise_s = settings.gc_promise;
	push_io->history_s = settings.tag_history;
	return manifest_push(registry.db, req->pool, push_io, err);
}

static int
read_body(struct req *req, struct manifest_push *push_io, struct err *err)
{
	int rc = req_read_all(req, (size_t)registry.conf->registry_manifest_max,
	    &push_io->payload, &push_io->size, err);

	return rc < 0 ? err_reason(err, "MANIFEST_INVALID") : 0;
}

int
h_manifest_put(struct req *req, struct err *err)
{
	struct manifest_push push_io = { .payload = NULL };
	struct oci_manifest document;
	struct reference reference;
	int rc = parse_reference(&reference, req->args[1], err);

	if (rc == 0)
		rc = read_body(req, &push_io, err);
	if (rc == 0)
		rc = oci_manifest_parse(&document, req->pool,
		    req_cgi(req, "CONTENT_TYPE"), push_io.payload,
		    push_io.size, err);
	if (rc == 0)
		rc = check_digest(&reference, push_io.payload, push_io.size,
		    &push_io.digest, err);
	if (rc < 0)
		return rc;
	push_io.document = &document;
	push_io.tag = reference.tag;
	rc = push(req, &push_io, err);
	if (rc == E_INVALID && push_io.missing_count > 0) {
		regerr_put_missing(req, &push_io);
		return 0;
	}
	if (rc < 0)
		return rc;
	metric_add(REGISTRY_MANIFESTS_PUSHED, 1);
	reply_pushed(req, &push_io);
	return 0;
}

static int
delete_tag(struct req *req, const char *tag, int64_t history_s,
    struct err *err)
{
	struct tag_change change = { .name = tag,
		.account_id = auth_account(req), .history_s = history_s,
		.history_id = rand_id_new() };
	struct repository repository;
	int rc = repository_find(
	    registry.db, req->pool, req->args[0], &repository, err);

	if (rc < 0)
		return rc;
	change.repository_id = repository.id;
	return tag_delete(registry.db, req->pool, &change, err);
}

int
h_manifest_delete(struct req *req, struct err *err)
{
	struct reference reference;
	struct settings settings;
	struct manifest manifest;
	int rc = parse_reference(&reference, req->args[1], err);

	if (rc == 0)
		rc = settings_current(registry.db, &settings, err);
	if (rc == 0 && reference.tag != NULL) {
		rc = delete_tag(
		    req, reference.tag, settings.tag_history, err);
	} else if (rc == 0) {
		rc = find(req, &reference, &manifest, err);
		if (rc == 0)
			rc = manifest_delete(registry.db, req->pool, &manifest,
			    auth_account(req), settings.tag_history, err);
	}
	if (rc < 0)
		return rc;
	resp_status(req, 202);
	resp_send(req, NULL, "", 0);
	return 0;
}
