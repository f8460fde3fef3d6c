/* Rows to try the model on, made as the programs make them. */
#ifndef TESTS_DB_ROWS_H
#define TESTS_DB_ROWS_H

#include <pthread.h>

#include "common/model/account.h"
#include "common/model/manifest.h"
#include "common/model/manifest_push.h"
#include "common/model/repo_blob.h"
#include "common/model/repository.h"
#include "common/model/upload.h"
#include "common/oci/oci_digest.h"
#include "tests/db/env.h"

#define PROMISE_S INT64_C(86400)
#define HISTORY_S INT64_C(604800)
#define LEASE_S   INT64_C(20)

struct account make_account(enum account_kind kind, bool is_admin);

/* A repository of a new user. */
struct repo {
	const char *path;
	struct repository row;
};
struct repo make_repo(void);

/* The digest of a text. */
struct oci_digest sha256_of(const char *text);
struct oci_digest sha512_of(const char *text);

/* An upload that is claimed and has received this text. */
struct upload make_upload(struct db *db, const struct repo *repo);
struct upload_content content_of(const char *text);

/* Of its object: UP, LIVE, DOOMED. */
int64_t object_state(const struct upload *upload);
#define UP     1
#define LIVE   2
#define DOOMED 3

/* Finishes it with this text as what was received. */
int finish_upload(struct db *db, const struct upload *upload, const char *text);

/* Uploads the text; its digest. */
struct oci_digest push_blob(const struct repo *repo, const char *text);
/* As above, named by its SHA-512. */
struct oci_digest push_blob_sha512(const struct repo *repo, const char *text);
struct repo_blob find_blob(
    const struct repo *repo, const struct oci_digest *digest);
/* Takes it from the repository: 0 or why that was refused. */
int delete_blob(const struct repo *repo, const struct oci_digest *digest);

/*
 * What a manifest with these blobs, or an index with these children, would
 * be pushed as. The documents have different bytes each time.
 */
struct manifest_push new_manifest(const struct repo *repo, const char *tag,
    const struct oci_digest *blobs, size_t count);
struct manifest_push new_index(const struct repo *repo, const char *tag,
    const struct oci_digest *children, size_t count);
/* The only tag that the push sets; NULL: none. */
void set_tag(struct manifest_push *push, const char *tag);
/* As above, pushed. */
struct manifest_push push_manifest(const struct repo *repo, const char *tag,
    const struct oci_digest *blobs, size_t count);
struct manifest_push push_index(const struct repo *repo, const char *tag,
    const struct oci_digest *children, size_t count);

/* Finds it as a pull by digest or tag does; E_NOTFOUND. */
int find_digest(const struct repo *repo, const struct oci_digest *digest,
    struct manifest *out);
int find_tag(const struct repo *repo, const char *tag, struct manifest *out);
/* Pushes it, deletes it, as it is now: 0 or why that was refused. */
int try_push(struct manifest_push *push);
int try_delete(const struct manifest_push *push);
int delete_manifest(
    struct db *db, const struct manifest *manifest, struct err *err);
struct manifest get_manifest(
    const struct repo *repo, const struct oci_digest *digest);

/* SQL for the manifest's id, and how many blobs it links. */
const char *sql_manifest_id(const struct manifest_push *push);
int64_t links_of(const struct manifest_push *push);

/* Makes all that the table says of the time so much older. */
void grow_old(const char *table, const char *column, int64_t seconds);

/* A call in a thread of its own, with its own pool and err. */
struct job {
	pthread_t thread;
	int (*run)(struct job *job);
	struct db *db;
	void *arg;
	struct pool *pool;
	struct err err;
	int rc;
};
void job_start(
    struct job *job, int (*run)(struct job *job), struct db *db, void *arg);
/* Waits for its end; 0 or its code. */
int job_wait(struct job *job);
/* Waits for its end and for this code. */
#define job_ok(job) env_check(job_wait(job), 0, &(job)->err, __FILE__, __LINE__)
#define job_fails(job, code) \
	env_check(job_wait(job), (code), &(job)->err, __FILE__, __LINE__)

#endif
