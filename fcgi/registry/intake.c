#include "common/base/base.h"
#include "fcgi/registry/intake.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/time.h"
#include "common/blob/blob.h"
#include "common/model/model.h"
#include "common/model/setting.h"
#include "common/oci/oci_digest.h"
#include "fcgi/core/metrics.h"
#include "fcgi/core/range.h"
#include "fcgi/core/req.h"
#include "fcgi/registry/limits.h"
#include "fcgi/registry/note.h"
#include "fcgi/registry/registry.h"

#define CHUNK ((size_t)128 << 10)

void
intake_put_headers(struct req *req, const struct upload *upload)
{
	char id[RAND_ID_TEXT_SIZE];

	rand_id_put(id, &upload->id);
	/* relative: a proxy in front may have any name (RFC 9110, 10.2.2); with
	 * a query, which says nothing: Docker's registry has one, and many a
	 * client puts "&digest=" behind it without a look */
	resp_printf(req, "Location", "/v2/%s/blobs/uploads/%s?_state=0",
	    req->args[0], id);
	/* "0-0" for an empty upload, as everybody sends it */
	resp_printf(req, "Range", "0-%" PRIu64,
	    upload->received > 0 ? upload->received - 1 : 0);
	resp_header(req, "Docker-Upload-UUID", id);
}

int
intake_check_range(struct req *req, struct intake *intake, struct err *err)
{
	const struct upload *upload = &intake->upload;
	const char *header = req_cgi(req, "HTTP_CONTENT_RANGE");
	int64_t announced = req_announced_length(req);
	struct range range;

	if (header == NULL)
		return 0;
	if (!range_parse_content(&range, header) ||
	    range.first != upload->received || range.last < range.first) {
		intake_put_headers(req, upload);
		err_set(err, E_RANGE,
		    "Content-Range \"%.60s\" does not go on at byte %" PRIu64,
		    header, upload->received);
		return err_reason(err, "RANGE_INVALID");
	}
	if (announced >= 0 &&
	    (uint64_t)announced != range.last - range.first + 1) {
		err_set(err, E_INVALID,
		    "Content-Length %" PRId64 " does not fit Content-Range "
		    "\"%.60s\"",
		    announced, header);
		return err_reason(err, "SIZE_INVALID");
	}
	intake->expected = range.last - range.first + 1;
	return 0;
}

/* a body without an announced length: only its end shows how long it is */
static int
check_expected(
    struct intake *intake, uint64_t received, bool at_end, struct err *err)
{
	uint64_t body = received - intake->upload.received;

	if (intake->expected == 0 ||
	    (at_end ? body == intake->expected : body <= intake->expected))
		return 0;
	intake->misfits = true;
	err_set(err, E_INVALID,
	    "the body has %s %" PRIu64 " bytes, other than Content-Range says",
	    at_end ? "only" : "more than", at_end ? body : intake->expected);
	return err_reason(err, "SIZE_INVALID");
}

static bool
is_lease_due(const struct intake *intake)
{
	return intake->claimed &&
	    time_monotonic_us() - intake->renewed_us >=
	    intake->lease_s * TIME_SECOND / 3;
}

/*
 * To be called while bytes are moved. A database that is away may be back
 * before the end: until then the epoch guards the upload.
 */
static int
keep_lease(struct intake *intake, struct err *err)
{
	int rc;

	if (!is_lease_due(intake))
		return 0;
	intake->renewed_us = time_monotonic_us();
	rc = upload_renew(registry.db, &intake->upload, intake->lease_s, err);
	if (rc != E_BUSY && rc != E_UNCERTAIN)
		return rc;
	err_clear(err);
	return 0;
}

static void
hash(struct digest *digest, const void *p, size_t n)
{
	int64_t begin_us = time_monotonic_us();

	digest_add(digest, p, n);
	metric_observe(REGISTRY_HASH, time_monotonic_us() - begin_us);
}

/* reads the recorded bytes into the hash, and into a copy if there is one */
static int
replay(struct req *req, struct intake *intake, struct digest *digest,
    struct blob_writer *copy, struct err *err)
{
	char *chunk = pool_alloc(req->pool, CHUNK);
	struct blob_reader *reader = NULL;
	uint64_t offset = 0, n = intake->upload.received;
	int rc = blob_read_open(
	    registry.store, intake->upload.key, &reader, NULL, err);

	while (rc == 0 && offset < n) {
		uint64_t left = n - offset;
		size_t done;

		rc = blob_read(reader, offset, chunk,
		    left < CHUNK ? (size_t)left : CHUNK, &done, err);
		if (rc == 0 && done == 0)
			rc = err_set(err, E_INTERNAL,
			    "the upload is shorter than its row says");
		if (rc < 0)
			break;
		hash(digest, chunk, done);
		if (copy != NULL)
			rc = blob_write(copy, chunk, done, err);
		if (rc == 0)
			rc = keep_lease(intake, err);
		offset += done;
	}
	blob_read_close(&reader);
	return rc;
}

/* a copy that will not be used: if its bytes cannot go now, its row knows */
static void
drop_spare(const struct upload_spare *spare)
{
	struct err ignored;

	if (blob_remove(registry.store, spare->key, NULL, &ignored) < 0)
		err_clear(&ignored);
}

/* the last writer may still be alive: leave it its object (upload.h) */
static int
take_over(struct req *req, struct intake *intake, struct err *err)
{
	struct upload *upload = &intake->upload;
	struct blob_writer *copy = NULL;
	struct upload_spare spare;
	int rc = upload_spare(registry.db, &spare, err);

	if (rc < 0)
		return rc;
	digest_free(&intake->digest);
	intake->digest = digest_new(DIGEST_SHA256);
	rc = blob_write_open(registry.store, spare.key, 0, &copy, err);
	if (rc == 0 && upload->received > 0)
		rc = replay(req, intake, intake->digest, copy, err);
	if (rc == 0)
		rc = blob_write_sync(copy, err);
	blob_write_close(&copy);
	if (rc < 0) {
		drop_spare(&spare);
		return rc;
	}
	return upload_move(registry.db, upload, &spare, err);
}

/* the hash over the recorded bytes: from its saved state, or read again */
static int
load_digest(struct req *req, struct intake *intake, struct err *err)
{
	const struct upload *upload = &intake->upload;

	if (upload->hash_state_size > 0)
		intake->digest =
		    digest_load(upload->hash_state, upload->hash_state_size);
	if (intake->digest != NULL)
		return 0;
	intake->digest = digest_new(DIGEST_SHA256);
	if (upload->received == 0)
		return 0;
	return replay(req, intake, intake->digest, NULL, err);
}

/* after a take-over that failed: the object is still another writer's */
static void
leave(struct intake *intake)
{
	struct err ignored;

	intake->claimed = false;
	if (upload_leave(registry.db, &intake->upload, &ignored) < 0)
		err_clear(&ignored);
}

static int
claim(struct req *req, struct intake *intake, int64_t lease_s, struct err *err)
{
	bool stale = intake->upload.lease != UPLOAD_FREE;
	int rc;

	intake->lease_s = lease_s;
	intake->renewed_us = time_monotonic_us();
	rc = upload_claim(registry.db, &intake->upload, lease_s, err);
	if (rc < 0)
		return rc;
	intake->claimed = true;
	rc =
	    stale ? take_over(req, intake, err) : load_digest(req, intake, err);
	if (rc < 0)
		/* it is of some of the bytes only */
		digest_free(&intake->digest);
	if (rc < 0 && stale)
		leave(intake);
	return rc;
}

/* what is durable; the saved hash is always of as many bytes */
static void
count_durable(struct intake *intake, uint64_t received)
{
	struct upload *upload = &intake->upload;

	upload->received = received;
	upload->hash_state_size =
	    digest_save(intake->digest, upload->hash_state);
}

/*
 * With the lease goes what arrived so far: others may ask for it, and who goes
 * on after the end of this process need not begin anew. Not of a body with a
 * Content-Range: one that turns out not to fit has to leave no trace.
 */
static int
keep_progress(struct intake *intake, struct blob_writer *writer,
    uint64_t received, struct err *err)
{
	if (!is_lease_due(intake))
		return 0;
	if (intake->expected == 0) {
		if (blob_write_sync(writer, err) < 0)
			return err->code;
		count_durable(intake, received);
	}
	return keep_lease(intake, err);
}

/* writes the body until it ends; *received_out counts what was written */
static int
copy_body(struct req *req, struct intake *intake, struct blob_writer *writer,
    uint64_t *received_out, struct err *err)
{
	char *chunk = pool_alloc(req->pool, CHUNK);

	for (;;) {
		size_t done;
		int rc = req_read(req, chunk, CHUNK, &done, err);

		if (rc == 0 && done == 0)
			rc = check_expected(intake, *received_out, true, err);
		if (rc < 0 || done == 0)
			return rc;
		rc = check_expected(intake, *received_out + done, false, err);
		if (rc == 0)
			rc = limits_check_size(*received_out + done, err);
		if (rc == 0)
			rc = blob_write(writer, chunk, done, err);
		if (rc < 0)
			return rc;
		hash(intake->digest, chunk, done);
		*received_out += done;
		metric_add(REGISTRY_BLOB_BYTES_IN, (int64_t)done);
		rc = keep_progress(intake, writer, *received_out, err);
		if (rc < 0)
			return rc;
	}
}

/* gives the claim back after a failure; who took over needs none of it */
static void
record_anyway(struct intake *intake)
{
	struct err ignored;

	if (intake_record(intake, &ignored) < 0)
		err_clear(&ignored);
}

/* after a failure: what arrived before counts if it can be made durable */
static void
salvage(struct intake *intake, struct blob_writer *writer, uint64_t received)
{
	struct err ignored;

	if (writer != NULL && blob_write_sync(writer, &ignored) == 0)
		count_durable(intake, received);
	else if (intake->upload.received != received)
		digest_free(&intake->digest);
	if (intake->digest == NULL)
		intake->upload.hash_state_size = 0;
}

int
intake_append(struct req *req, struct intake *intake, struct err *err)
{
	struct blob_writer *writer = NULL;
	uint64_t received = intake->upload.received;
	struct settings settings;
	int rc = settings_current(registry.db, &settings, err);

	if (rc == 0 && req_announced_length(req) > 0)
		rc = limits_check_size(
		    received + (uint64_t)req_announced_length(req), err);
	if (rc == 0)
		rc = claim(req, intake, settings.upload_lease, err);
	if (rc == 0)
		rc = blob_write_open(registry.store, intake->upload.key,
		    intake->upload.received, &writer, err);
	if (rc == 0)
		rc = copy_body(req, intake, writer, &received, err);
	if (rc == 0)
		rc = blob_write_sync(writer, err);
	if (rc == 0)
		count_durable(intake, received);
	else if (intake->misfits)
		/* nothing of the body counts, the saved hash and what was
		 * recorded before stay as they were */
		digest_free(&intake->digest);
	else if (intake->claimed)
		salvage(intake, writer, received);
	/* NFS writes at the close what could not be synced: before the next
	 * writer, who may be on another node */
	blob_write_close(&writer);
	if (rc < 0 && intake->claimed)
		record_anyway(intake);
	if (rc == E_ABORTED)
		metric_add(REGISTRY_UPLOADS_ABORTED, 1);
	return rc;
}

int
intake_record(struct intake *intake, struct err *err)
{
	struct upload *upload = &intake->upload;

	if (intake->digest != NULL)
		upload->hash_state_size =
		    digest_save(intake->digest, upload->hash_state);
	intake->claimed = false;
	return upload_record(registry.db, upload, err);
}

/* SHA-512 is computed when a client names it: one more read of the object */
static int
hash_sha512(struct req *req, struct intake *intake,
    unsigned char sha512[DIGEST_SHA512_SIZE], struct err *err)
{
	struct digest *digest = digest_new(DIGEST_SHA512);
	int rc = intake->upload.received == 0
	    ? 0
	    : replay(req, intake, digest, NULL, err);

	if (rc == 0)
		digest_get(digest, sha512);
	digest_free(&digest);
	return rc;
}

static int
refuse_digest(struct intake *intake, const struct oci_digest *expected,
    const struct oci_digest *found, struct err *err)
{
	char wanted[OCI_DIGEST_TEXT_SIZE], got[OCI_DIGEST_TEXT_SIZE];

	if (upload_cancel(registry.db, &intake->upload, err) < 0)
		return err->code;
	intake->claimed = false;
	oci_digest_put(wanted, expected);
	oci_digest_put(got, found);
	err_set(err, E_INVALID,
	    "the content has digest %s, not %s; the upload was dropped", got,
	    wanted);
	return err_reason(err, "DIGEST_INVALID");
}

int
intake_is_whole(const struct intake *intake, struct err *err)
{
	const struct upload *upload = &intake->upload;
	struct blob_reader *reader = NULL;
	uint64_t size = 0;
	int rc;

	if (upload->lease != UPLOAD_FREE || upload->received == 0)
		return 0;
	rc = blob_read_open(registry.store, upload->key, &reader, &size, err);
	blob_read_close(&reader);
	return rc < 0 ? rc : size == upload->received;
}

static const struct event_note *
note_of(struct req *req, const struct intake *intake,
    const struct oci_digest *digest)
{
	struct event_note *note = note_new(
	    req, EVENT_PUSH, EVENT_BLOB, &intake->upload.repository_id);

	note->event.digest = *digest;
	note->event.size = intake->upload.received;
	return note;
}

static int
finish(struct req *req, struct intake *intake,
    const struct oci_digest *expected, struct err *err)
{
	struct upload_content content = { .size = intake->upload.received };
	unsigned char sha512[DIGEST_SHA512_SIZE];
	struct oci_digest found = { .algorithm = expected->algorithm };
	struct settings settings;
	int rc = settings_current(registry.db, &settings, err);

	if (rc == 0 && intake->digest == NULL)
		rc = load_digest(req, intake, err);
	if (rc == 0 && expected->algorithm == DIGEST_SHA512)
		rc = hash_sha512(req, intake, sha512, err);
	if (rc < 0)
		return rc;
	digest_get(intake->digest, content.sha256);
	if (expected->algorithm == DIGEST_SHA512) {
		content.sha512 = sha512;
		memcpy(found.bytes, sha512, sizeof(sha512));
	} else {
		memcpy(found.bytes, content.sha256, sizeof(content.sha256));
	}
	if (!oci_digest_equal(&found, expected))
		return refuse_digest(intake, expected, &found, err);
	content.note = note_of(req, intake, expected);
	rc = upload_finish(registry.db, req->pool, &intake->upload, &content,
	    settings.gc_promise, err);
	if (rc < 0)
		return rc;
	intake->claimed = false;
	metric_add(REGISTRY_BLOBS_PUSHED, 1);
	return 0;
}

int
intake_finish(struct req *req, struct intake *intake,
    const struct oci_digest *expected, struct err *err)
{
	int rc = finish(req, intake, expected, err);

	if (rc < 0 && intake->claimed)
		record_anyway(intake);
	return rc;
}

void
intake_release(struct intake *intake)
{
	digest_free(&intake->digest);
}
