/* Manifests and indexes: read and delete, with their tags. */
#include "common/base/base.h"
#include "fcgi/registry/registry.h"

#include "common/base/err.h"
#include "common/model/manifest.h"
#include "common/model/model.h"
#include "common/model/repository.h"
#include "common/model/setting.h"
#include "common/model/tag.h"
#include "fcgi/core/cache.h"
#include "fcgi/core/metrics.h"
#include "fcgi/registry/auth.h"
#include "fcgi/registry/note.h"
#include "fcgi/registry/pull_log.h"
#include "fcgi/registry/reference.h"
#include "fcgi/registry/reply.h"

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
	metric_add(REGISTRY_CACHE_REQUESTS, 1);
	if (*payload_out != NULL && n == manifest->size) {
		metric_add(REGISTRY_CACHE_HITS, 1);
		return 0;
	}
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
	const char *payload = "", *caching;
	char text[OCI_DIGEST_TEXT_SIZE];
	struct reference reference;
	struct manifest manifest;
	int rc = reference_parse(&reference, req->args[1], err);

	if (rc == 0)
		rc = find(req, &reference, &manifest, err);
	if (rc == 0)
		rc = keep_promise(req, &manifest, err);
	if (rc < 0)
		return rc;
	oci_digest_put(text, &manifest.digest);
	caching = reference.tag != NULL
	    ? "no-cache"
	    : "private, max-age=31536000, immutable";
	rc = reply_conditions(req, text, caching, err);
	if (rc == 0 && req->method == METHOD_GET)
		rc = load_payload(req, &manifest, &payload, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	reply_content(req, text, caching);
	resp_send(req, manifest.media_type, payload, manifest.size);
	if (req->method == METHOD_GET && req->body_left == 0)
		pull_log_add(req, &manifest, reference.tag);
	return 0;
}

static int
delete_tag(struct req *req, const char *tag, int64_t history_s,
    struct err *err)
{
	struct tag_change change = { .name = tag,
		.account_id = auth_account(req),
		.history_s = history_s,
		.if_match = req_header(req, "IF_MATCH") };
	struct repository repository;
	int rc = repository_find(
	    registry.db, req->pool, req->args[0], &repository, err);

	if (rc < 0)
		return rc;
	change.repository_id = repository.id;
	change.note =
	    note_new(req, EVENT_DELETE, EVENT_MANIFEST, &repository.id);
	change.note->event.tag = tag;
	return tag_delete(registry.db, req->pool, &change, err);
}

static int
delete_manifest(struct req *req, const struct reference *reference,
    const struct settings *settings, struct err *err)
{
	struct manifest_deletion deletion = {
		.account_id = auth_account(req),
		.history_s = settings->tag_history,
		.force = settings->delete_force,
	};
	struct event_note *note;
	struct manifest manifest;
	int rc = find(req, reference, &manifest, err);

	if (rc == 0)
		rc = reply_check_match(req, req->args[1], err);
	if (rc < 0)
		return rc;
	note = note_new(
	    req, EVENT_DELETE, EVENT_MANIFEST, &manifest.repository_id);
	note->event.digest = manifest.digest;
	note->event.media_type = manifest.media_type;
	note->event.size = manifest.size;
	deletion.manifest = &manifest;
	deletion.note = note;
	rc = manifest_delete(registry.db, req->pool, &deletion, err);
	if (rc == E_CONFLICT)
		resp_header(req, "Allow", "GET, HEAD, PUT");
	return rc;
}

int
h_manifest_delete(struct req *req, struct err *err)
{
	struct reference reference;
	struct settings settings;
	int rc = reference_parse(&reference, req->args[1], err);

	if (rc == 0)
		rc = settings_current(registry.db, &settings, err);
	if (rc == 0)
		rc = reference.tag != NULL
		    ? delete_tag(
			  req, reference.tag, settings.tag_history, err)
		    : delete_manifest(req, &reference, &settings, err);
	if (rc < 0)
		return rc;
	resp_status(req, 202);
	resp_send(req, NULL, "", 0);
	return 0;
}
