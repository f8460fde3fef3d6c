/*
 * Taking in the bytes of an upload: claim it, write and hash the body as it
 * comes, make it durable, record it. Any process may do each request of one
 * upload.
 */
#ifndef FCGI_REGISTRY_INTAKE_H
#define FCGI_REGISTRY_INTAKE_H

#include "common/crypt/digest.h"
#include "common/model/upload.h"

struct err;
struct oci_digest;
struct req;

struct intake {
	struct upload upload;
	struct digest *digest; /* SHA-256 over all bytes; NULL: not known */
	bool claimed;
	/* bytes that Content-Range says the body has; 0: it is not given */
	uint64_t expected;
	bool misfits; /* the body is not as long as that */
	int64_t lease_s; /* of the claim */
	int64_t renewed_us;
};

/*
 * Checks Content-Range and Content-Length against what the upload has.
 * E_RANGE (416, nothing written) with the headers Location and Range set.
 */
int intake_check_range(struct req *req, struct intake *intake, struct err *err);

/*
 * Claims the upload and appends the request's body. Afterwards
 * upload.received counts all durable bytes and digest covers them; the claim
 * is still held: end it with intake_record() or intake_finish(). When it
 * fails, what arrived before is recorded and the claim is given back.
 */
int intake_append(struct req *req, struct intake *intake, struct err *err);

/* Records what was appended and gives the claim back. */
int intake_record(struct intake *intake, struct err *err);

/*
 * Can the upload be finished without a claim? 1 if nobody writes and its
 * object has the recorded bytes and nothing behind them (a full disk or a body
 * that did not fit may have left some); whoever writes to it later changes
 * the row's epoch first. 0: not so.
 */
int intake_is_whole(const struct intake *intake, struct err *err);

/*
 * Compares the content with the client's digest (E_INVALID, reason
 * DIGEST_INVALID; the upload is dropped) and makes it a blob. When it fails
 * otherwise, what was appended is recorded and the claim is given back.
 */
int intake_finish(struct req *req, struct intake *intake,
    const struct oci_digest *expected, struct err *err);

/* Frees the hash; safe to call at any time. */
void intake_release(struct intake *intake);

/* The headers Location, Range and Docker-Upload-UUID of an upload. */
void intake_put_headers(struct req *req, const struct upload *upload);

#endif
