/*
 * What waits for the jobs, as numbers for /metrics: it grows when they do not
 * run; and what they work on.
 */
#ifndef COMMON_MODEL_BACKLOG_H
#define COMMON_MODEL_BACKLOG_H

struct db;
struct err;
struct pool;

/* Counts end at 10000; ages are seconds since the first one was due. */
struct backlog {
	int64_t uploads; /* begun and not finished */
	int64_t uploads_expired; /* of these, not touched for expiry_s */
	int64_t objects; /* doomed, to be removed from the store */
	int64_t objects_overdue_s;
	int64_t reviews; /* what may have to be collected */
	int64_t reviews_overdue_s;
	int64_t objects_uploading; /* that uploads write to */
	int64_t objects_live; /* of blobs: an estimate of the database */
	int64_t freed_bytes; /* of all objects removed so far */
};

int backlog_read(struct db *db, struct pool *pool, int64_t expiry_s,
    struct backlog *out, struct err *err);

#endif
