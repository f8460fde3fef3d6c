/* Blobs: read, take out of a repository. */
#include "common/base/base.h"
#include "fcgi/registry/registry.h"

#include "common/base/err.h"
#include "common/base/log.h"
#include "common/base/pool.h"
#include "common/blob/blob.h"
#include "common/conf/conf.h"
#include "common/model/model.h"
#include "common/model/repo_blob.h"
#include "common/model/setting.h"
#include "common/oci/oci_digest.h"
#include "fcgi/core/metrics.h"
#include "fcgi/core/range.h"
#include "fcgi/registry/auth.h"
#include "fcgi/registry/limits.h"
#include "fcgi/registry/note.h"
#include "fcgi/registry/reply.h"

#define TYPE    "application/octet-stream"
#define CACHING "private, max-age=31536000"
#define CHUNK ((size_t)256 << 10)

static int
send_part(struct req *req, struct blob_reader *reader, uint64_t offset,
    uint64_t length, struct err *err)
{
	size_t size = length < CHUNK ? (size_t)length : CHUNK;
	char *chunk = pool_alloc(req->pool, size);

	metric_add(REGISTRY_BLOB_BYTES_OUT, (int64_t)length);
	while (length > 0) {
		size_t want = length < size ? (size_t)length : size;
		size_t done;
		int rc = blob_read(reader, offset, chunk, want, &done, err);

		if (rc == 0 && done == 0)
			rc = err_set(err, E_INTERNAL,
			    "the blob is shorter than its row says");
		if (rc == 0)
			rc = resp_write(req, chunk, done, err);
		if (rc < 0)
			return rc;
		offset += done;
		length -= done;
	}
	return 0;
}

/* the part that is asked for, unless If-Range names other content (RFC 9110,
 * 13.1.5: a weak tag or a date fits nothing of ours) */
static const char *
wanted_range(const struct req *req, const char *digest)
{
	const char *condition = req_header(req, "IF_RANGE");
	size_t n = strlen(digest);

	if (condition != NULL &&
	    (condition[0] != '"' || strncmp(condition + 1, digest, n) != 0 ||
		strcmp(condition + 1 + n, "\"") != 0))
		return NULL;
	return req_header(req, "RANGE");
}

static int
refuse_range(struct req *req, uint64_t size, struct err *err)
{
	resp_printf(req, "Content-Range", "bytes */%" PRIu64, size);
	err_set(err, E_RANGE, "the blob has %" PRIu64 " bytes", size);
	return err_reason(err, "RANGE_INVALID");
}

/* for a lost object a web server would say that there is none, and for how
 * long that may be kept; a cut one it would send as the blob */
static int
open_blob(
    const struct repo_blob *blob, struct blob_reader **out, struct err *err)
{
	uint64_t size;
	int rc = blob_read_open(registry.store, blob->key, out, &size, err);

	if (rc < 0 || size == blob->size)
		return rc;
	blob_read_close(out);
	err_set(err, E_INTERNAL, "the object in the blob store is damaged");
	return err_cause(err,
	    "the object has %" PRIu64 " bytes, its row says %" PRIu64, size,
	    blob->size);
}

/* the responder sends the bytes: small blobs, and servers without sendfile */
static int
send_blob(struct req *req, struct blob_reader *reader,
    const struct repo_blob *blob, const char *digest, const struct range *part,
    struct err *err)
{
	uint64_t first = 0, length = blob->size;

	reply_content(req, digest, CACHING);
	resp_header(req, "Accept-Ranges", "bytes");
	if (part != NULL) {
		first = part->first;
		length = part->last - first + 1;
		resp_status(req, 206);
		resp_printf(req, "Content-Range",
		    "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first,
		    part->last, blob->size);
	}
	resp_stream(req, TYPE, length);
	return send_part(req, reader, first, length, err);
}

static int
keep_promise(
    struct req *req, const struct repo_blob *blob, struct err *err)
{
	struct settings settings;
	int rc;

	if (!identity_may(auth_identity(req), "repository", req->args[0],
		TOKEN_PUSH))
		return 0;
	rc = settings_current(registry.db, &settings, err);
	if (rc == 0)
		rc = repo_blob_promise(registry.db, req->pool, blob,
		    settings.gc_promise, err);
	return rc;
}

/*
 * A web server that does not know the header passes it on, with the path and
 * without the blob. So ours say what they know, and without that word the
 * program sends the blob itself.
 */
static bool
is_handover_known(const struct req *req)
{
	const char *wanted = registry.conf->storage_sendfile;
	const char *known = req_cgi(req, "DTR_SENDFILE");

	if (known != NULL && strcmp(known, wanted) == 0)
		return true;
	log_event(&req->log, LOG_WARN, "sendfile_mismatch",
	    LOG_TEXT("wanted", wanted), LOG_TEXT("known", known));
	return false;
}

static void
hand_over(struct req *req, const char *path, uint64_t length)
{
	metric_add(REGISTRY_BLOB_BYTES_HANDED_OVER, (int64_t)length);
	if (strcmp(registry.conf->storage_sendfile, "accel") == 0) {
		/* nginx says by itself that it takes ranges */
		resp_handover(req, TYPE, "X-Accel-Redirect", path);
		return;
	}
	resp_header(req, "Accept-Ranges", "bytes");
	resp_handover(req, TYPE, "X-Sendfile", path);
}

/* small ones are sent sooner than handed over */
static const char *
handover_path(struct req *req, const struct repo_blob *blob)
{
	const char *path = NULL;

	if (blob->size > (uint64_t)registry.conf->storage_inline_max)
		path = blob_sendfile_path(registry.store, req->pool, blob->key);
	return path != NULL && is_handover_known(req) ? path : NULL;
}

/* A web server would compare If-Match with a tag of its own, and a date with
 * that of the file: a blob has none (RFC 9110, 13.1.4). */
static bool
is_misunderstood(const struct req *req)
{
	return req_header(req, "IF_MATCH") != NULL ||
	    req_header(req, "IF_UNMODIFIED_SINCE") != NULL ||
	    req_header(req, "IF_MODIFIED_SINCE") != NULL;
}

/* as slowly as the client reads, while others do so */
static int
send_in_place(struct req *req, struct blob_reader *reader,
    const struct repo_blob *blob, const char *digest, const struct range *part,
    struct err *err)
{
	int rc = limits_take_sender(req, err);

	if (rc < 0)
		return rc;
	rc = send_blob(req, reader, blob, digest, part, err);
	limits_give_sender();
	return rc;
}

static int
get(struct req *req, const struct repo_blob *blob, const char *digest,
    struct err *err)
{
	struct range range;
	enum range_result found =
	    range_parse(&range, wanted_range(req, digest), blob->size);
	const struct range *part = found == RANGE_ONE ? &range : NULL;
	struct blob_reader *reader = NULL;
	const char *path;
	int rc;

	/* also of what is handed over: web servers say it in ways of their own */
	if (found == RANGE_UNSATISFIABLE)
		return refuse_range(req, blob->size, err);
	rc = open_blob(blob, &reader, err);
	if (rc < 0)
		return rc;
	path = handover_path(req, blob);
	if (path == NULL) {
		rc = send_blob(req, reader, blob, digest, part, err);
	} else if (is_misunderstood(req)) {
		rc = send_in_place(req, reader, blob, digest, part, err);
	} else {
		reply_content(req, digest, CACHING);
		hand_over(req, path,
		    part != NULL ? part->last - part->first + 1 : blob->size);
	}
	blob_read_close(&reader);
	return rc;
}

int
h_blob_get(struct req *req, struct err *err)
{
	char text[OCI_DIGEST_TEXT_SIZE];
	struct oci_digest digest;
	struct repo_blob blob;
	int rc = reply_parse_digest(&digest, req->args[1], err);

	if (rc == 0)
		rc = repo_blob_find(registry.db, req->pool, req->args[0],
		    &digest, &blob, err);
	if (rc == 0)
		rc = keep_promise(req, &blob, err);
	if (rc < 0)
		return rc;
	oci_digest_put(text, &digest);
	rc = reply_conditions(req, text, CACHING, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (req->method == METHOD_GET)
		return get(req, &blob, text, err);
	reply_content(req, text, CACHING);
	resp_header(req, "Accept-Ranges", "bytes");
	resp_stream(req, TYPE, blob.size);
	return 0;
}

int
h_blob_delete(struct req *req, struct err *err)
{
	struct event_note *note;
	struct settings settings;
	struct oci_digest digest;
	struct repo_blob blob;
	int rc = reply_parse_digest(&digest, req->args[1], err);

	if (rc == 0)
		rc = settings_current(registry.db, &settings, err);
	if (rc == 0)
		rc = repo_blob_find(registry.db, req->pool, req->args[0],
		    &digest, &blob, err);
	if (rc == 0)
		rc = reply_check_match(req, req->args[1], err);
	if (rc < 0)
		return rc;
	note = note_new(req, EVENT_DELETE, EVENT_BLOB, &blob.repository_id);
	note->event.digest = digest;
	note->event.size = blob.size;
	rc = repo_blob_delete(registry.db, req->pool, &blob,
	    settings.delete_force, note, err);
	if (rc == E_CONFLICT)
		resp_header(req, "Allow", "GET, HEAD");
	if (rc < 0)
		return rc;
	resp_status(req, 202);
	resp_send(req, NULL, "", 0);
	return 0;
}
