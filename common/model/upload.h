/*
 * Uploads: bytes on their way to become a blob, known by rows from before
 * the first byte, so that any process of any replica can go on with them and
 * a crash leaves only what a row knows of.
 *
 * A writer claims an upload: it gets a lease and a new epoch, writes behind
 * the bytes that are recorded, makes them durable and records the new
 * length, all under its epoch. When a lease was not given back its writer may
 * still be alive somewhere, so the next one never writes to the old object:
 * it copies the recorded bytes to a new one (upload_spare, upload_move).
 */
#ifndef COMMON_MODEL_UPLOAD_H
#define COMMON_MODEL_UPLOAD_H

#include "common/base/rand.h"
#include "common/blob/blob.h"
#include "common/crypt/digest.h"

struct db;
struct err;
struct event_note;
struct pool;

enum upload_lease {
	UPLOAD_FREE = 0,  /* nobody writes */
	UPLOAD_HELD = 1,  /* somebody writes now */
	UPLOAD_STALE = 2, /* somebody did not give it back in time */
};

struct upload {
	struct rand_id id;
	struct rand_id repository_id;
	struct rand_id object_id;
	char key[BLOB_KEY_SIZE];
	int64_t epoch; /* a random number for each claim */
	uint64_t received; /* durable bytes */
	unsigned char hash_state[DIGEST_STATE_SIZE_MAX];
	size_t hash_state_size; /* 0: hash again from the start */
	enum upload_lease lease;
};

/* Makes the rows of a new upload. account_id NULL: not known. */
int upload_start(struct db *db, const struct rand_id *repository_id,
    const struct rand_id *account_id, struct upload *out, struct err *err);

/* How many uploads this account has under way. */
int upload_count(struct db *db, struct pool *pool,
    const struct rand_id *account_id, int64_t *out, struct err *err);

/* By its id in the repository of that path; E_NOTFOUND, reason
 * BLOB_UPLOAD_UNKNOWN. */
int upload_find(struct db *db, struct pool *pool, const char *path,
    const char *id, struct upload *out, struct err *err);

/*
 * Claims an upload as upload_find() showed it: upload->epoch is the new one
 * afterwards. E_BUSY while another writer holds it, or if it changed since.
 * One that was not free has run out by now, and is to be taken over.
 */
int upload_claim(
    struct db *db, struct upload *upload, int64_t lease_s, struct err *err);

/* Gives up a claim as the one before was: the lease is stale at once. */
int upload_leave(struct db *db, const struct upload *upload, struct err *err);

/* Keeps the lease and records received durable bytes; E_CONFLICT when another
 * writer took over: stop. */
int upload_renew(struct db *db, const struct upload *upload, int64_t lease_s,
    struct err *err);

/* A new object for a take-over, due for removal unless upload_move(). */
struct upload_spare {
	struct rand_id object_id;
	char key[BLOB_KEY_SIZE];
};
int upload_spare(struct db *db, struct upload_spare *out, struct err *err);

/* Makes the spare, which holds the recorded bytes now, the upload's object;
 * the old one is doomed. E_CONFLICT as above. */
int upload_move(struct db *db, struct upload *upload,
    const struct upload_spare *spare, struct err *err);

/*
 * Records received durable bytes and gives the lease back. E_CONFLICT when
 * another writer took over: the bytes do not count.
 */
int upload_record(struct db *db, const struct upload *upload, struct err *err);

/* What a finished upload becomes. */
struct upload_content {
	unsigned char sha256[DIGEST_SHA256_SIZE];
	const unsigned char *sha512; /* DIGEST_SHA512_SIZE bytes or NULL */
	uint64_t size;
	const struct event_note *note;
};

/*
 * Makes a claimed upload, whose object is durable, a blob of its repository,
 * or links the blob of that content that exists and dooms the object. When
 * the upload is gone and the blob there, an earlier try or another request
 * did it: 0, too. E_CONFLICT when another writer took over.
 */
int upload_finish(struct db *db, struct pool *pool,
    const struct upload *upload, const struct upload_content *content,
    int64_t promise_s, struct err *err);

/* Drops a claimed upload; its object is doomed. E_CONFLICT as above. */
int upload_cancel(struct db *db, const struct upload *upload, struct err *err);

#endif
