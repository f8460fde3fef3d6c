#include "common/base/base.h"
#include "fcgi/registry/pull_log.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

#include "common/base/address.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/model/account.h"
#include "common/model/event.h"
#include "common/model/manifest.h"
#include "common/model/model.h"
#include "common/oci/manifest.h"
#include "common/oci/name.h"
#include "fcgi/core/metrics.h"
#include "fcgi/core/req.h"
#include "fcgi/core/server.h"
#include "fcgi/registry/auth.h"
#include "fcgi/registry/registry.h"

#define CHAINS     1024
#define PULLS_MAX  20000
#define FLUSH_MS   5000
#define AGENT_SIZE 128

struct pull {
	struct pull *next; /* in its chain, then among the collected */
	struct rand_id manifest_id;
	struct rand_id repository_id;
	struct oci_digest digest;
	struct rand_id account_id;
	bool has_account;
	uint64_t size;
	uint32_t times;
	char repository[OCI_NAME_MAX + 1];
	char tag[OCI_TAG_MAX + 1]; /* "": by digest */
	char account[ACCOUNT_NAME_MAX + 1];
	char remote[ADDRESS_SIZE];
	char request_id[REQ_ID_SIZE]; /* of the first */
	char user_agent[AGENT_SIZE];
	char media_type[OCI_MEDIA_TYPE_MAX + 1];
};

static pthread_mutex_t pull_lock = PTHREAD_MUTEX_INITIALIZER;
static struct pull *pull_chains[CHAINS];
static size_t pull_count;
static bool pull_is_over; /* no more are collected */
static atomic_int_fast64_t pull_left; /* neither written nor lost */
static unsigned char pull_shard;
/* the thread that writes them; a database that makes it wait keeps nothing
 * else from its time */
static pthread_t pull_writer;
static int pull_stop_fd; /* it is to end, */
static int pull_done_fd; /* and it has written the last */
static struct pull *pull_waiting; /* to be written, by that thread */

static void
copy(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text != NULL ? text : "");
}

static size_t
add_text(size_t h, const char *text)
{
	for (; *text != '\0'; text++)
		h = h * 31 + (unsigned char)*text;
	return h;
}

/* all that is_equal() looks at: thousands may want one image at a time */
static size_t
chain_of(
    const struct req *req, const struct manifest *manifest, const char *tag)
{
	size_t h = 0;

	/* ids of manifests are random behind their time */
	memcpy(&h, manifest->id.bytes + RAND_ID_SIZE - sizeof(h), sizeof(h));
	h = add_text(h, tag);
	h = add_text(h, req->actor != NULL ? req->actor : "");
	return add_text(h, req->remote) % CHAINS;
}

static bool
is_equal(const struct pull *pull, const struct req *req,
    const struct manifest *manifest, const char *tag)
{
	return rand_id_equal(&pull->manifest_id, &manifest->id) &&
	    strcmp(pull->tag, tag) == 0 &&
	    strcmp(pull->account, req->actor != NULL ? req->actor : "") == 0 &&
	    strcmp(pull->remote, req->remote) == 0;
}

static void
describe(struct pull *out, struct req *req, const struct manifest *manifest,
    const char *tag)
{
	const struct rand_id *account = auth_account(req);

	out->manifest_id = manifest->id;
	out->repository_id = manifest->repository_id;
	out->digest = manifest->digest;
	out->has_account = account != NULL;
	if (account != NULL)
		out->account_id = *account;
	out->size = manifest->size;
	out->times = 1;
	copy(out->repository, sizeof(out->repository), req->args[0]);
	copy(out->tag, sizeof(out->tag), tag);
	copy(out->account, sizeof(out->account), req->actor);
	copy(out->remote, sizeof(out->remote), req->remote);
	copy(out->request_id, sizeof(out->request_id), req->id);
	copy(out->user_agent, sizeof(out->user_agent),
	    req_header(req, "USER_AGENT"));
	copy(out->media_type, sizeof(out->media_type), manifest->media_type);
}

/* false: there is no room for another one, or no time to write it */
static bool
count(struct req *req, const struct manifest *manifest, const char *tag)
{
	struct pull **chain = &pull_chains[chain_of(req, manifest, tag)];
	struct pull *pull = *chain;

	while (pull != NULL && !is_equal(pull, req, manifest, tag))
		pull = pull->next;
	if (pull_is_over)
		return false;
	if (pull != NULL) {
		pull->times++;
		return true;
	}
	if (pull_count == PULLS_MAX)
		return false;
	pull = mem_new(sizeof(*pull));
	describe(pull, req, manifest, tag);
	pull->next = *chain;
	*chain = pull;
	pull_count++;
	return true;
}

void
pull_log_add(
    struct req *req, const struct manifest *manifest, const char *tag)
{
	bool counted;

	pthread_mutex_lock(&pull_lock);
	counted = count(req, manifest, tag != NULL ? tag : "");
	if (counted)
		atomic_fetch_add(&pull_left, 1);
	pthread_mutex_unlock(&pull_lock);
	if (!counted)
		metric_add(REGISTRY_PULLS_LOST, 1);
}

static void
collect(void)
{
	pthread_mutex_lock(&pull_lock);
	for (size_t i = 0; i < CHAINS; i++) {
		while (pull_chains[i] != NULL) {
			struct pull *pull = pull_chains[i];

			pull_chains[i] = pull->next;
			pull->next = pull_waiting;
			pull_waiting = pull;
		}
	}
	pull_count = 0;
	pthread_mutex_unlock(&pull_lock);
}

static void
fill(struct event_pull *out, struct actor *actor, const struct pull *pull)
{
	*actor = (struct actor){
		.account_id = pull->has_account ? &pull->account_id : NULL,
		.account = pull->account[0] != '\0' ? pull->account : NULL,
		.remote = pull->remote,
		.request_id = pull->request_id,
		.user_agent =
		    pull->user_agent[0] != '\0' ? pull->user_agent : NULL,
	};
	out->note.actor = actor;
	out->note.event = (struct event){
		.id = rand_id_new(),
		.kind = EVENT_PULL,
		.object = EVENT_MANIFEST,
		.repository_id = pull->repository_id,
		.repository = pull->repository,
		.tag = pull->tag[0] != '\0' ? pull->tag : NULL,
		.digest = pull->digest,
		.media_type = pull->media_type,
		.size = pull->size,
		.times = pull->times,
		.shard = pull_shard,
	};
	out->manifest_id = pull->manifest_id;
}

/* forgets the first n that wait; returns how many pulls they were */
static int64_t
forget(size_t n)
{
	int64_t times = 0;

	while (n-- > 0) {
		struct pull *first = pull_waiting;

		times += first->times;
		pull_waiting = first->next;
		mem_free(&first);
	}
	atomic_fetch_sub(&pull_left, times);
	return times;
}

static void
lose(int64_t pulls, const struct err *err)
{
	metric_add(REGISTRY_PULLS_LOST, pulls);
	log_event(NULL, LOG_ERROR, "pulls_lost", LOG_NUMBER("pulls", pulls),
	    LOG_TEXT("error", err->text), LOG_TEXT("cause", err->cause));
}

/*
 * One batch of those that wait. E_BUSY, the database is away, as the requests
 * say: they wait on. After any other error the batch is lost: it would fail
 * again for ever, and hold up all behind it. Whether an uncertain one was
 * committed is not known: better once too few.
 */
static int
write_batch(struct err *err)
{
	struct event_pull *batch = mem_array(EVENT_BATCH_MAX, sizeof(*batch));
	struct actor *actors = mem_array(EVENT_BATCH_MAX, sizeof(*actors));
	size_t n = 0;
	int rc;

	for (const struct pull *pull = pull_waiting;
	     pull != NULL && n < EVENT_BATCH_MAX; pull = pull->next) {
		fill(&batch[n], &actors[n], pull);
		n++;
	}
	rc = event_put_pulls(registry.db, batch, n, err);
	mem_free(&batch);
	mem_free(&actors);
	if (rc == E_BUSY)
		return rc;
	if (rc < 0)
		lose(forget(n), err);
	else
		forget(n);
	return 0;
}

static int
write_waiting(struct err *err)
{
	int rc = 0;

	while (rc == 0 && pull_waiting != NULL)
		rc = write_batch(err);
	return rc;
}

/* what waits is written before more is collected: so the memory that a
 * database which is away can cost has an end */
static int
flush(struct err *err)
{
	int rc = write_waiting(err);

	if (rc < 0)
		return rc;
	collect();
	return write_waiting(err);
}

/* what comes behind is lost; what cannot be written now, too */
static void
flush_last(void)
{
	struct err err = ERR_INIT;
	size_t n = 0;

	pthread_mutex_lock(&pull_lock);
	pull_is_over = true;
	pthread_mutex_unlock(&pull_lock);
	if (flush(&err) == 0)
		return;
	collect();
	for (const struct pull *pull = pull_waiting; pull != NULL;
	     pull = pull->next)
		n++;
	lose(forget(n), &err);
}

static void
tell(int fd)
{
	uint64_t one = 1;

	ASSERT(write(fd, &one, sizeof(one)) == sizeof(one));
}

static void *
writer_main(void *unused UNUSED)
{
	struct pollfd stop = { .fd = pull_stop_fd, .events = POLLIN };
	struct err err;

	while (poll(&stop, 1, FLUSH_MS) <= 0)
		(void)flush(&err);
	flush_last();
	tell(pull_done_fd);
	return NULL;
}

void
pull_log_start(void)
{
	unsigned char shard;

	rand_bytes(&shard, sizeof(shard));
	pull_shard = shard % EVENT_SHARDS;
	pull_stop_fd = eventfd(0, EFD_CLOEXEC);
	pull_done_fd = eventfd(0, EFD_CLOEXEC);
	ASSERT(pull_stop_fd >= 0 && pull_done_fd >= 0);
	ASSERT(pthread_create(&pull_writer, NULL, writer_main, NULL) == 0);
}

bool
pull_log_stop(void)
{
	struct pollfd done = { .fd = pull_done_fd, .events = POLLIN };
	struct err err;

	tell(pull_stop_fd);
	if (poll(&done, 1, SERVER_FINISH_S * 1000) > 0) {
		pthread_join(pull_writer, NULL);
		close(pull_stop_fd);
		close(pull_done_fd);
		return true;
	}
	err_set(&err, E_BUSY, "the database did not answer in time");
	lose(atomic_load(&pull_left), &err);
	return false;
}
