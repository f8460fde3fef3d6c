/*
 * Events: what happened to images. A change writes its event in its own
 * transaction; pulls are collected by the programs and written in batches with
 * their counters.
 */
#ifndef COMMON_MODEL_EVENT_H
#define COMMON_MODEL_EVENT_H

#include "common/base/rand.h"
#include "common/oci/oci_digest.h"

struct db;
struct db_tx;
struct err;

enum event_kind {
	EVENT_PUSH = 1,
	EVENT_PULL = 2,
	EVENT_DELETE = 3,
	EVENT_MOUNT = 4,
};

enum event_object {
	EVENT_MANIFEST = 1,
	EVENT_BLOB = 2,
};

/* Who did it and by which request; texts may be NULL. */
struct actor {
	const struct rand_id *account_id; /* NULL: nobody, or not known */
	const char *account;
	const char *remote; /* address */
	const char *request_id;
	const char *user_agent;
};

struct event {
	struct rand_id id; /* made before the transaction */
	enum event_kind kind;
	enum event_object object;
	struct rand_id repository_id;
	const char *repository;
	const char *tag; /* NULL: by digest */
	struct oci_digest digest;
	const char *media_type; /* NULL: of blobs */
	uint64_t size;
	const char *from_repository; /* of mounts, else NULL */
	uint32_t times;		     /* equal ones; 0 is 1 */
	unsigned char shard;	     /* below EVENT_SHARDS */
};

/* A repository's counters are rows by shard: a writer picks one. */
#define EVENT_SHARDS 16

/*
 * Writes it within a transaction and, for manifests, counts it. Again, after
 * an unknown COMMIT, is no error and counts nothing.
 */
int event_put(struct db_tx *tx, const struct actor *actor,
    const struct event *event, struct err *err);

/* What a verb writes with its change; verbs take NULL for "nothing". */
struct event_note {
	const struct actor *actor;
	struct event event;
};

int event_note_put(
    struct db_tx *tx, const struct event_note *note, struct err *err);

/* One or more equal pulls of a manifest. */
struct event_pull {
	struct event_note note;
	struct rand_id manifest_id;
};

/*
 * Writes a batch of at most EVENT_BATCH_MAX pulls in one transaction: their
 * events, the repositories' counters and the tags' last pulls. The batch is
 * sorted by the way.
 */
#define EVENT_BATCH_MAX 200
int event_put_pulls(struct db *db, struct event_pull *pulls, size_t count,
    struct err *err);

#endif
