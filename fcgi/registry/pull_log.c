#include "common/base/base.h"
#include "fcgi/registry/pull_log.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "common/base/err.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/model/event.h"
#include "common/model/manifest.h"
#include "common/model/model.h"
#include "common/oci/name.h"
#include "fcgi/core/metrics.h"
#include "fcgi/core/req.h"
#include "fcgi/registry/auth.h"
#include "fcgi/registry/registry.h"

#define CHAINS	     1024
#define PULLS_MAX    20000
#define FLUSH_MS     5000
#define ACCOUNT_SIZE 65
#define REMOTE_SIZE  46
#define AGENT_SIZE   128
#define TYPE_SIZE    256

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
	char account[ACCOUNT_SIZE];
	char remote[REMOTE_SIZE];
	char request_id[REQ_ID_SIZE]; /* of the first */
	char user_agent[AGENT_SIZE];
	char media_type[TYPE_SIZE];
};

static pthread_mutex_t pull_lock = PTHREAD_MUTEX_INITIALIZER;
static struct pull *pull_chains[CHAINS];
static size_t pull_count;
static unsigned char pull_shard;
/* the thread that writes them; a database that makes it wait keeps nothing
 * else from its time */
static pthread_t pull_writer;
static int pull_stop_fd;
static struct pull *pull_waiting; /* to be written, by that thread */

static void
copy(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text != NULL ? text : "");
}

static size_t
chain_of(const struct rand_id *manifest_id, const char *tag)
{
	size_t h = 0;

	/* ids of manifests are random behind their time */
	memcpy(&h, manifest_id->bytes + RAND_ID_SIZE - sizeof(h), sizeof(h));
	for (const char *p = tag; *p != '\0'; p++)
		h = h * 31 + (unsigned char)*p;
	return h % CHAINS;
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

/* false: there is no room for another one */
static bool
count(struct req *req, const struct manifest *manifest, const char *tag)
{
	struct pull **chain = &pull_chains[chain_of(&manifest->id, tag)];
	struct pull *pull = *chain;

	while (pull != NULL && !is_equal(pull, req, manifest, tag))
		pull = pull->next;
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

/* forgets the first n that wait */
static void
forget(size_t n)
{
	while (n-- > 0) {
		struct pull *first = pull_waiting;

		pull_waiting = first->next;
		mem_free(&first);
	}
}

/* one batch of those that wait; an error leaves them waiting */
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
	/* whether it was committed is not known: better once too few */
	if (rc == 0 || rc == E_UNCERTAIN)
		forget(n);
	return rc;
}

static int
flush(struct err *err)
{
	int rc = 0;

	/* what waits is written before more is collected: so the memory that
	 * a database which is away can cost has an end */
	while (rc == 0 && pull_waiting != NULL)
		rc = write_batch(err);
	if (rc == 0)
		collect();
	while (rc == 0 && pull_waiting != NULL)
		rc = write_batch(err);
	return rc;
}

static void *
writer_main(void *unused UNUSED)
{
	struct pollfd stop = { .fd = pull_stop_fd, .events = POLLIN };
	struct err err;

	while (poll(&stop, 1, FLUSH_MS) <= 0) {
		/* E_BUSY: the database is away, as the requests say */
		if (flush(&err) < 0 && err.code != E_BUSY)
			log_err(NULL, LOG_ERROR, "pulls_not_written", &err);
	}
	return NULL;
}

void
pull_log_start(void)
{
	unsigned char shard;

	rand_bytes(&shard, sizeof(shard));
	pull_shard = shard % EVENT_SHARDS;
	pull_stop_fd = eventfd(0, EFD_CLOEXEC);
	ASSERT(pull_stop_fd >= 0);
	ASSERT(pthread_create(&pull_writer, NULL, writer_main, NULL) == 0);
}

void
pull_log_stop(void)
{
	uint64_t one = 1;
	struct err err;

	ASSERT(write(pull_stop_fd, &one, sizeof(one)) == sizeof(one));
	pthread_join(pull_writer, NULL);
	close(pull_stop_fd);
	if (flush(&err) < 0)
		log_err(NULL, LOG_ERROR, "pulls_not_written", &err);
	collect();
	while (pull_waiting != NULL)
		forget(1);
}
