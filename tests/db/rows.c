#include "common/base/base.h"
#include "tests/db/rows.h"

#include "common/model/event.h"
#include "tests/unit/unit.h"

struct account
make_account(enum account_kind kind, bool is_admin)
{
	struct account account = {
		.id = rand_id_new(),
		.name = unique("a"),
		.kind = kind,
		.full_name = "Somebody",
		.is_admin = is_admin,
		.is_active = true,
	};

	ok(account_create(env.owner, &account, "!", &env.err));
	return account;
}

struct repo
make_repo(void)
{
	struct account owner = make_account(ACCOUNT_USER, false);
	struct repo repo = { .path =
				 pool_printf(env.pool, "%s/r", owner.name) };

	ok(repository_find_or_create(
	    env.registry, env.pool, repo.path, true, &repo.row, &env.err));
	return repo;
}

struct oci_digest
sha256_of(const char *text)
{
	struct oci_digest digest;

	oci_digest_of(&digest, DIGEST_SHA256, text, strlen(text));
	return digest;
}

struct oci_digest
sha512_of(const char *text)
{
	struct oci_digest digest;

	oci_digest_of(&digest, DIGEST_SHA512, text, strlen(text));
	return digest;
}

struct upload
make_upload(struct db *db, const struct repo *repo)
{
	char id[RAND_ID_TEXT_SIZE];
	struct upload upload;

	ok(upload_start(env.registry, &repo->row.id, NULL, &upload, &env.err));
	rand_id_put(id, &upload.id);
	ok(upload_find(
	    env.registry, env.pool, repo->path, id, &upload, &env.err));
	ok(upload_claim(db, &upload, LEASE_S, &env.err));
	return upload;
}

struct upload_content
content_of(const char *text)
{
	struct upload_content content = { .size = strlen(text) };

	digest_of(DIGEST_SHA256, text, strlen(text), content.sha256);
	return content;
}

int64_t
object_state(const struct upload *upload)
{
	return sql_int(
	    "SELECT state FROM object WHERE object_key = '%s'", upload->key);
}

int
finish_upload(struct db *db, const struct upload *upload, const char *text)
{
	struct upload_content content = content_of(text);

	return upload_finish(
	    db, env.pool, upload, &content, PROMISE_S, &env.err);
}

struct oci_digest
push_blob(const struct repo *repo, const char *text)
{
	struct upload upload = make_upload(env.registry, repo);
	struct upload_content content = content_of(text);

	ok(upload_finish(
	    env.registry, env.pool, &upload, &content, PROMISE_S, &env.err));
	return sha256_of(text);
}

struct oci_digest
push_blob_sha512(const struct repo *repo, const char *text)
{
	struct upload upload = make_upload(env.registry, repo);
	struct upload_content content = content_of(text);
	struct oci_digest digest = sha512_of(text);

	content.sha512 = digest.bytes;
	ok(upload_finish(
	    env.registry, env.pool, &upload, &content, PROMISE_S, &env.err));
	return digest;
}

struct repo_blob
find_blob(const struct repo *repo, const struct oci_digest *digest)
{
	struct repo_blob blob;

	ok(repo_blob_find(
	    env.registry, env.pool, repo->path, digest, &blob, &env.err));
	return blob;
}

int
delete_blob(const struct repo *repo, const struct oci_digest *digest)
{
	struct repo_blob blob = find_blob(repo, digest);

	return repo_blob_delete(
	    env.registry, env.pool, &blob, false, NULL, &env.err);
}

void
set_tag(struct manifest_push *push, const char *tag)
{
	push->tags[0] = tag;
	push->tag_count = tag != NULL ? 1 : 0;
}

static struct manifest_push
new_document(const struct repo *repo, const char *tag, enum oci_kind kind,
    const struct oci_digest *digests, size_t count)
{
	static const struct actor nobody;
	struct oci_manifest *document = pool_alloc(env.pool, sizeof(*document));
	struct manifest_push push = {
		.repository = repo->row,
		.path = repo->path,
		.document = document,
		.payload = unique("document"),
		.actor = &nobody,
		.promise_s = PROMISE_S,
		.history_s = HISTORY_S,
	};

	set_tag(&push, tag);
	push.size = strlen(push.payload);
	push.digest = sha256_of(push.payload);
	document->kind = kind;
	document->media_type =
	    kind == OCI_KIND_INDEX ? OCI_TYPE_INDEX : OCI_TYPE_MANIFEST;
	document->items = pool_array(env.pool, count, sizeof(*document->items));
	document->item_count = count;
	for (size_t i = 0; i < count; i++) {
		document->items[i].digest = digests[i];
		document->items[i].size = 10;
	}
	return push;
}

struct manifest_push
new_manifest(const struct repo *repo, const char *tag,
    const struct oci_digest *blobs, size_t count)
{
	return new_document(repo, tag, OCI_KIND_MANIFEST, blobs, count);
}

struct manifest_push
new_index(const struct repo *repo, const char *tag,
    const struct oci_digest *children, size_t count)
{
	return new_document(repo, tag, OCI_KIND_INDEX, children, count);
}

struct manifest_push
push_manifest(const struct repo *repo, const char *tag,
    const struct oci_digest *blobs, size_t count)
{
	struct manifest_push push = new_manifest(repo, tag, blobs, count);

	ok(try_push(&push));
	return push;
}

struct manifest_push
push_index(const struct repo *repo, const char *tag,
    const struct oci_digest *children, size_t count)
{
	struct manifest_push push = new_index(repo, tag, children, count);

	ok(try_push(&push));
	return push;
}

int
find_digest(const struct repo *repo, const struct oci_digest *digest,
    struct manifest *out)
{
	return manifest_find_digest(
	    env.registry, env.pool, repo->path, digest, out, &env.err);
}

int
find_tag(const struct repo *repo, const char *tag, struct manifest *out)
{
	return manifest_find_tag(
	    env.registry, env.pool, repo->path, tag, out, &env.err);
}

int
try_push(struct manifest_push *push)
{
	return manifest_push(env.registry, env.pool, push, &env.err);
}

int
delete_manifest(struct db *db, const struct manifest *manifest, struct err *err)
{
	struct manifest_deletion deletion = { .manifest = manifest,
		.history_s = HISTORY_S };

	return manifest_delete(db, env.pool, &deletion, err);
}

struct manifest
get_manifest(const struct repo *repo, const struct oci_digest *digest)
{
	struct manifest manifest;

	ok(find_digest(repo, digest, &manifest));
	return manifest;
}

int
try_delete(const struct manifest_push *push)
{
	struct manifest manifest;

	ok(manifest_find_digest(env.registry, env.pool, push->path,
	    &push->digest, &manifest, &env.err));
	return delete_manifest(env.registry, &manifest, &env.err);
}

const char *
sql_manifest_id(const struct manifest_push *push)
{
	return pool_printf(env.pool,
	    "(SELECT id FROM manifest WHERE repository_id = %s "
	    "AND digest = %s)",
	    sql_id(&push->repository.id),
	    sql_bytes(push->digest.bytes, digest_size(push->digest.algorithm)));
}

int64_t
links_of(const struct manifest_push *push)
{
	return sql_int(
	    "SELECT COUNT(*) FROM manifest_blob WHERE manifest_id = %s",
	    sql_manifest_id(push));
}

void
grow_old(const char *table, const char *column, int64_t seconds)
{
	sql("UPDATE %s SET %s = %s - INTERVAL %d SECOND", table, column, column,
	    (int)seconds);
}

static void *
run_job(void *context)
{
	struct job *job = context;

	job->rc = job->run(job);
	return NULL;
}

void
job_start(
    struct job *job, int (*run)(struct job *job), struct db *db, void *arg)
{
	memset(job, 0, sizeof(*job));
	job->run = run;
	job->db = db;
	job->arg = arg;
	job->pool = pool_new((size_t)16 << 20);
	assert_int_equal(pthread_create(&job->thread, NULL, run_job, job), 0);
}

int
job_wait(struct job *job)
{
	pthread_join(job->thread, NULL);
	pool_free(&job->pool);
	return job->rc;
}
