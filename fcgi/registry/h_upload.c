/* Uploads: start, append, finish, ask, drop; mounts. */
#include "common/base/base.h"
#include "fcgi/registry/registry.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/model/model.h"
#include "common/model/repo_blob.h"
#include "common/model/repository.h"
#include "common/model/setting.h"
#include "common/oci/name.h"
#include "common/oci/oci_digest.h"
#include "fcgi/core/metrics.h"
#include "fcgi/registry/auth.h"
#include "fcgi/registry/intake.h"
#include "fcgi/registry/limits.h"
#include "fcgi/registry/note.h"
#include "fcgi/registry/reply.h"

static void
release(void *object)
{
	intake_release(object);
}

/* an intake whose hash is freed with the request */
static struct intake *
intake_new(struct req *req)
{
	struct intake *intake = pool_alloc(req->pool, sizeof(*intake));

	pool_on_free(req->pool, release, intake);
	return intake;
}

static int
find(struct req *req, struct intake *intake, struct err *err)
{
	return upload_find(registry.db, req->pool, req->args[0], req->args[1],
	    &intake->upload, err);
}

static int
start(struct req *req, const struct repository *repository,
    struct upload *upload, struct err *err)
{
	int rc = upload_start(
	    registry.db, &repository->id, auth_account(req), upload, err);

	if (rc == 0)
		metric_add(REGISTRY_UPLOADS_STARTED, 1);
	return rc;
}

static void
reply_accepted(struct req *req, const struct upload *upload)
{
	resp_status(req, 202);
	intake_put_headers(req, upload);
	resp_send(req, NULL, "", 0);
}

/* a body and its digest in one request (OCI spec 1.1, "Pushing a blob
 * monolithically") */
static int
post_whole(struct req *req, const struct repository *repository,
    const struct oci_digest *digest, struct err *err)
{
	struct intake *intake = intake_new(req);
	char text[OCI_DIGEST_TEXT_SIZE];
	int rc = start(req, repository, &intake->upload, err);

	if (rc == 0)
		rc = intake_append(req, intake, err);
	/* there is none, and no header had told so */
	if (rc == 0 && intake->upload.received == 0) {
		rc = intake_record(intake, err);
		if (rc == 0)
			reply_accepted(req, &intake->upload);
		return rc;
	}
	if (rc == 0)
		rc = intake_finish(req, intake, digest, err);
	if (rc < 0)
		return rc;
	oci_digest_put(text, digest);
	reply_created(req, "blobs", text);
	return 0;
}

static const struct event_note *
mount_note(struct req *req, const struct repository *repository,
    const struct oci_digest *digest, const char *from, uint64_t size)
{
	struct event_note *note =
	    note_new(req, EVENT_MOUNT, EVENT_BLOB, &repository->id);

	note->event.digest = *digest;
	note->event.size = size;
	note->event.from_repository = from;
	return note;
}

/* 1: mounted; 0: not there, whoever may know it; < 0 fault */
static int
mount_from(struct req *req, const struct settings *settings,
    const struct oci_digest *digest, const char *from, struct err *err)
{
	const char *path = req->args[0];
	struct repository repository;
	struct repo_blob blob;
	int rc = repo_blob_find_to_mount(registry.db, req->pool, from, digest,
	    path, &blob, &repository, err);

	if (rc == 0)
		rc = repository_find_or_create(registry.db, req->pool, path,
		    settings->create_on_push, &repository, err);
	if (rc >= 0)
		rc = repo_blob_mount(registry.db, &blob, &repository.id,
		    settings->gc_promise,
		    mount_note(req, &repository, digest, from, blob.size), err);
	if (rc == E_NOTFOUND) {
		err_clear(err);
		return 0;
	}
	return rc < 0 ? rc : 1;
}

/* without "from": any repository that the caller's token lets him read */
static int
mount_from_any(struct req *req, const struct settings *settings,
    const struct oci_digest *digest, struct err *err)
{
	const char *from = NULL;
	int rc = 0;

	while (rc == 0 &&
	    (from = identity_next(auth_identity(req), "repository", TOKEN_PULL,
		 from)) != NULL)
		rc = mount_from(req, settings, digest, from, err);
	return rc;
}

/*
 * 1: mounted and answered; 0: not possible, go on with an upload, whatever
 * the reason (to say which would tell what exists elsewhere); < 0 fault.
 */
static int
try_mount(struct req *req, const struct settings *settings,
    const struct oci_digest *digest, struct err *err)
{
	const char *from = uri_param(&req->uri, "from");
	char text[OCI_DIGEST_TEXT_SIZE];
	int rc = 0;

	if (from == NULL)
		rc = mount_from_any(req, settings, digest, err);
	else if (oci_name_is_valid(from) &&
	    identity_may(auth_identity(req), "repository", from, TOKEN_PULL))
		rc = mount_from(req, settings, digest, from, err);
	if (rc <= 0)
		return rc;
	metric_add(REGISTRY_BLOBS_MOUNTED, 1);
	oci_digest_put(text, digest);
	reply_created(req, "blobs", text);
	return 1;
}

/* which hash the client will use: any that we know, at the end it says so */
static int
check_algorithm(const struct req *req, struct err *err)
{
	const char *name = uri_param(&req->uri, "digest-algorithm");

	if (name == NULL || strcmp(name, "sha256") == 0 ||
	    strcmp(name, "sha512") == 0)
		return 0;
	err_set(err, E_INVALID,
	    "digest algorithm \"%.40s\" is neither sha256 nor sha512", name);
	return err_reason(err, "DIGEST_INVALID");
}

int
h_upload_post(struct req *req, struct err *err)
{
	const char *digest_text = uri_param(&req->uri, "digest");
	const char *mount_text = uri_param(&req->uri, "mount");
	struct repository repository;
	struct oci_digest digest, mount;
	struct settings settings;
	struct upload upload;
	int rc = check_algorithm(req, err);

	/* a malformed digest makes no repository */
	if (rc == 0 && digest_text != NULL)
		rc = reply_parse_digest(&digest, digest_text, err);
	if (rc == 0 && mount_text != NULL)
		rc = reply_parse_digest(&mount, mount_text, err);
	if (rc == 0)
		rc = settings_current(registry.db, &settings, err);
	if (rc == 0 && mount_text != NULL)
		rc = try_mount(req, &settings, &mount, err);
	/* who may begin no upload makes no repository */
	if (rc == 0)
		rc = limits_check_upload(req, err);
	/* the token may be older than the setting */
	if (rc == 0)
		rc = repository_find_or_create(registry.db, req->pool,
		    req->args[0], settings.create_on_push, &repository, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	/* without a body the digest only tells what will come */
	if (digest_text != NULL && req_announced_length(req) != 0)
		return post_whole(req, &repository, &digest, err);
	rc = start(req, &repository, &upload, err);
	if (rc == 0)
		reply_accepted(req, &upload);
	return rc;
}

int
h_upload_get(struct req *req, struct err *err)
{
	struct intake *intake = intake_new(req);
	int rc = find(req, intake, err);

	if (rc < 0)
		return rc;
	resp_status(req, 204);
	intake_put_headers(req, &intake->upload);
	resp_send(req, NULL, "", 0);
	return 0;
}

int
h_upload_patch(struct req *req, struct err *err)
{
	struct intake *intake = intake_new(req);
	int rc = find(req, intake, err);

	if (rc == 0)
		rc = intake_check_range(req, intake, err);
	if (rc == 0)
		rc = intake_append(req, intake, err);
	if (rc == 0)
		rc = intake_record(intake, err);
	if (rc == 0)
		reply_accepted(req, &intake->upload);
	return rc;
}

static int
put(struct req *req, struct intake *intake, const struct oci_digest *digest,
    struct err *err)
{
	int rc = intake_check_range(req, intake, err);

	/* docker's last request has no body */
	if (rc == 0 && req_announced_length(req) == 0)
		rc = intake_is_whole(intake, err);
	if (rc == 0)
		rc = intake_append(req, intake, err);
	return rc < 0 ? rc : intake_finish(req, intake, digest, err);
}

/*
 * An upload that is not known may have been finished by a request whose
 * answer was lost: its blob is there then, and the repeated request is
 * answered as the first. Otherwise err stays as it is.
 */
static int
find_finished(struct req *req, const struct oci_digest *digest, struct err *err)
{
	struct err unknown = *err;
	struct settings settings;
	struct repo_blob blob;
	int rc = settings_current(registry.db, &settings, err);

	if (rc == 0)
		rc = repo_blob_find(
		    registry.db, req->pool, req->args[0], digest, &blob, err);
	if (rc == 0)
		rc = repo_blob_promise(
		    registry.db, req->pool, &blob, settings.gc_promise, err);
	if (rc == E_NOTFOUND)
		*err = unknown;
	return rc;
}

/* clients that know other registries put "?digest=" behind the Location without
 * a look: to us that belongs to the parameter that is there */
static const char *
digest_param(const struct req *req)
{
	static const char mark[] = "?digest=";
	const char *digest = uri_param(&req->uri, "digest");
	const char *state = uri_param(&req->uri, "_state");
	const char *behind = state != NULL ? strstr(state, mark) : NULL;

	return digest == NULL && behind != NULL ? behind + strlen(mark)
						: digest;
}

int
h_upload_put(struct req *req, struct err *err)
{
	struct intake *intake = intake_new(req);
	char text[OCI_DIGEST_TEXT_SIZE];
	struct oci_digest digest;
	int rc = reply_parse_digest(&digest, digest_param(req), err);

	if (rc == 0)
		rc = find(req, intake, err);
	if (rc == E_NOTFOUND)
		rc = find_finished(req, &digest, err);
	else if (rc == 0)
		rc = put(req, intake, &digest, err);
	if (rc < 0)
		return rc;
	oci_digest_put(text, &digest);
	reply_created(req, "blobs", text);
	return 0;
}

int
h_upload_delete(struct req *req, struct err *err)
{
	struct intake *intake = intake_new(req);
	struct settings settings;
	int rc = find(req, intake, err);

	if (rc == 0)
		rc = settings_current(registry.db, &settings, err);
	if (rc == 0)
		rc = upload_claim(registry.db, &intake->upload,
		    settings.upload_lease, err);
	if (rc == 0)
		rc = upload_cancel(registry.db, &intake->upload, err);
	if (rc < 0)
		return rc;
	resp_status(req, 204);
	resp_send(req, NULL, "", 0);
	return 0;
}
