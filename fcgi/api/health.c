#include "common/base/base.h"
#include "fcgi/api/health.h"

#include <pthread.h>

#include "common/base/err.h"
#include "common/base/log.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/base/time.h"
#include "common/conf/conf.h"
#include "common/model/model.h"
#include "fcgi/api/api.h"
#include "fcgi/core/fcgi_client.h"
#include "fcgi/core/server.h"

/* how long an answer holds, and how long while a newer one is looked for */
#define FRESH_US  TIME_SECOND
#define USABLE_US (15 * TIME_SECOND)
/* for each of the other programs: one that hangs speaks for itself alone */
#define WAIT_US    (2 * TIME_SECOND)
#define ANSWER_MAX ((size_t)8 << 10)
#define BROKEN_MAX 160

enum part {
	PART_DATABASE,
	PART_REGISTRY,
	PART_STORAGE,
	PART_UPLOADS,
	PART_GARANT,
	PARTS, /* their number */
};

static const char *const part_names[PARTS] = {
	[PART_DATABASE] = "database",
	[PART_REGISTRY] = "registry",
	[PART_STORAGE] = "registry storage",
	[PART_UPLOADS] = "registry uploads",
	[PART_GARANT] = "garant",
};

static struct {
	pthread_mutex_t lock; /* of the result */
	pthread_mutex_t work; /* held by the one that looks */
	bool is_broken[PARTS];
	int64_t checked_us; /* monotonic; 0: never */
} health;

void
health_start(void)
{
	pthread_mutex_init(&health.lock, NULL);
	pthread_mutex_init(&health.work, NULL);
	health.checked_us = 0;
}

void
health_stop(void)
{
	pthread_mutex_destroy(&health.work);
	pthread_mutex_destroy(&health.lock);
}

/* what a program's own /readyz says that it lacks: the database is one part
 * for all, other things are of the program */
static bool
lacks(const struct fcgi_answer *answer, const char *part)
{
	const char *said = fcgi_answer_header(answer, SERVER_LACKS);

	return said != NULL && strcmp(said, part) == 0;
}

static void
check_program(struct pool *pool, bool is_broken[PARTS], enum part part,
    const char *socket)
{
	const struct fcgi_question question = { .who = part_names[part],
		.socket = socket,
		.method = "GET",
		.target = "/readyz",
		.wait_us = WAIT_US,
		.answer_max = ANSWER_MAX };
	struct fcgi_answer *answer = pool_alloc(pool, sizeof(*answer));
	struct err err = ERR_INIT;

	if (fcgi_client_ask(pool, &question, answer, &err) < 0) {
		log_err(NULL, LOG_WARN, "part_not_reached", &err);
		is_broken[part] = true;
	} else if (answer->status != 200) {
		/* what exactly is in its own log */
		if (lacks(answer, SERVER_DATABASE))
			part = PART_DATABASE;
		else if (lacks(answer, SERVER_STORAGE))
			part = PART_STORAGE;
		if (!lacks(answer, SERVER_DRAINING))
			is_broken[part] = true;
	}
}

static void
check_all(struct pool *pool, bool is_broken[PARTS])
{
	const struct conf *conf = api.conf;
	struct err err = ERR_INIT;

	if (db_check(api.db, &err) < 0) {
		log_err(NULL, LOG_WARN, "not_ready", &err);
		is_broken[PART_DATABASE] = true;
	}
	check_program(pool, is_broken, PART_REGISTRY, conf->registry_socket);
	check_program(
	    pool, is_broken, PART_UPLOADS, conf->registry_upload_socket);
	check_program(pool, is_broken, PART_GARANT, conf->garant_socket);
}

static void
look(struct pool *pool)
{
	bool is_broken[PARTS] = { false };

	check_all(pool, is_broken);
	pthread_mutex_lock(&health.lock);
	memcpy(health.is_broken, is_broken, sizeof(is_broken));
	health.checked_us = time_monotonic_us();
	pthread_mutex_unlock(&health.lock);
}

/* the last answer if it is not older than that; else NULL */
static const char *
recall(struct pool *pool, int64_t max_age_us)
{
	struct str text;
	bool is_there;

	str_init(&text, pool, BROKEN_MAX);
	pthread_mutex_lock(&health.lock);
	is_there = health.checked_us != 0 &&
	    time_monotonic_us() - health.checked_us <= max_age_us;
	for (size_t i = 0; is_there && i < PARTS; i++)
		if (health.is_broken[i])
			str_printf(&text, "%s%s", text.len > 0 ? ", " : "",
			    part_names[i]);
	pthread_mutex_unlock(&health.lock);
	return is_there ? text.p : NULL;
}

const char *
health_check(struct pool *pool)
{
	const char *broken;

	if (server_is_draining(pool))
		return "draining";
	broken = recall(pool, FRESH_US);
	if (broken != NULL)
		return broken;
	if (pthread_mutex_trylock(&health.work) != 0) {
		/* one is enough: a part that hangs must not hold all */
		broken = recall(pool, USABLE_US);
		if (broken != NULL)
			return broken;
		pthread_mutex_lock(&health.work);
	}
	broken = recall(pool, FRESH_US);
	if (broken == NULL) {
		look(pool);
		broken = recall(pool, USABLE_US);
	}
	pthread_mutex_unlock(&health.work);
	return broken != NULL ? broken : "the checks took too long";
}
