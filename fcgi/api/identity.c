#include "common/base/base.h"
#include "fcgi/api/identity.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/time.h"
#include "common/conf/conf.h"
#include "common/json/jscheck.h"
#include "common/json/jsr.h"
#include "fcgi/api/api.h"
#include "fcgi/core/fcgi_client.h"
#include "fcgi/core/metrics.h"

/* a password is checked slowly, and may wait for its turn before */
#define WAIT_US    (20 * TIME_SECOND)
#define ANSWER_MAX ((size_t)16 << 10)

static const struct jscheck_limits answer_limits = {
	.bytes = ANSWER_MAX,
	.depth = 4,
	.values = 100,
	.objects = 16,
};

const struct identity *
identity_of(const struct req *req)
{
	return req->identity;
}

static int
ask(struct req *req, const char *authorization, struct fcgi_answer *out,
    struct err *err)
{
	const struct req_header headers[] = {
		{ "AUTHORIZATION", authorization },
		{ "USER_AGENT", req_header(req, "USER_AGENT") },
		{ "X_REQUEST_ID", req->id },
	};
	const struct fcgi_question question = {
		.who = "dtr-garant",
		.socket = api.conf->garant_socket,
		.method = "GET",
		.target = "/identity",
		/* it believes who may connect to its socket: fcgi_client.h */
		.remote = req->remote,
		.headers = headers,
		.header_count = COUNT_OF(headers),
		.wait_us = WAIT_US,
		.answer_max = ANSWER_MAX,
	};

	return fcgi_client_ask(req->pool, &question, out, err);
}

/* the words of its error, which are for the caller */
static const char *
words_of(struct pool *pool, const struct fcgi_answer *answer)
{
	const char *text = "the request was refused";
	struct err ignored = ERR_INIT;
	struct jsr root, errors, first;

	if (jsr_parse(pool, answer->body, answer->body_size, &answer_limits,
		&root, &ignored) < 0 ||
	    jsr_array(&root, "errors", true, 16, &errors, &ignored) < 0 ||
	    jsr_count(&errors) == 0)
		return text;
	first = jsr_item(&errors, 0);
	if (jsr_as_object(&first, &ignored) == 0 &&
	    jsr_str(&first, "message", true, &text, &ignored) < 0)
		err_clear(&ignored);
	return text;
}

static int
refuse(struct req *req, const struct fcgi_answer *answer, struct err *err)
{
	const char *wait = fcgi_answer_header(answer, "Retry-After");
	const char *words = words_of(req->pool, answer);

	if (wait != NULL)
		resp_header(req, "Retry-After", wait);
	switch (answer->status) {
	case 401:
		resp_header(req, "WWW-Authenticate", "Basic realm=\"dtr\"");
		return err_set(err, E_UNAUTH, "%s", words);
	case 429:
		return err_set(err, E_LIMIT, "%s", words);
	case 400:
		return err_set(err, E_INVALID, "%s", words);
	default:
		err_set(err, E_BUSY,
		    "it cannot be found out who you are, try again");
		return err_cause(
		    err, "dtr-garant answers %d: %s", answer->status, words);
	}
}

static int
take(struct req *req, const struct fcgi_answer *answer, struct err *err)
{
	struct identity *identity = pool_alloc(req->pool, sizeof(*identity));
	const char *id = "";
	struct jsr root;
	int rc = jsr_parse(req->pool, answer->body, answer->body_size,
	    &answer_limits, &root, err);

	if (rc == 0)
		rc = jsr_str(&root, "name", true, &identity->name, err);
	if (rc == 0 && identity->name[0] == '\0')
		return 0; /* a token of nobody's */
	if (rc == 0)
		rc = jsr_str(&root, "id", true, &id, err);
	if (rc == 0)
		rc = jsr_bool(&root, "isAdmin", true, &identity->is_admin, err);
	if (rc < 0 || !rand_id_parse(&identity->id, id)) {
		err_set(err, E_INTERNAL, "dtr-garant gave an odd answer");
		return err_cause(err, "%.200s", answer->body);
	}
	req->identity = identity;
	req->actor = identity->name;
	return 0;
}

static enum api_metric
metric_of(int rc)
{
	if (rc == 0)
		return API_IDENTITIES_GOOD;
	return rc == E_UNAUTH || rc == E_LIMIT ? API_IDENTITIES_REFUSED
					       : API_IDENTITIES_UNKNOWN;
}

int
identity_find(struct req *req, struct err *err)
{
	const char *authorization = req_header(req, "AUTHORIZATION");
	struct fcgi_answer *answer;
	int rc;

	if (authorization == NULL)
		return 0;
	answer = pool_alloc(req->pool, sizeof(*answer));
	rc = ask(req, authorization, answer, err);
	if (rc == 0)
		rc = answer->status == 200 ? take(req, answer, err)
					   : refuse(req, answer, err);
	metric_add(metric_of(rc), 1);
	return rc;
}
