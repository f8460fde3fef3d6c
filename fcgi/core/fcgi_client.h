/*
 * A question to another program of this node, asked as a web server asks it:
 * FastCGI 1.0 over the program's unix socket, one connection for each
 * question, without a body. Blocking, with one deadline for all of it and a
 * maximum for what comes back.
 *
 * The socket is what makes the asker believed: who may connect to it (its
 * owner and group) is taken for a web server. So the address of the client on
 * whose behalf one asks goes into REMOTE_ADDR, as found by proxy_client(), and
 * never into X-Forwarded-For: no header has to be trusted for it.
 */
#ifndef FCGI_CORE_FCGI_CLIENT_H
#define FCGI_CORE_FCGI_CLIENT_H

#include "fcgi/core/req.h"

struct err;
struct pool;

/* All parameters together, as they go over the wire. */
#define FCGI_QUESTION_MAX       ((size_t)128 << 10)
#define FCGI_ANSWER_HEADERS_MAX 32

struct fcgi_question {
	const char *who; /* for error texts: "dtr-garant" */
	const char *socket;
	const char *method; /* "GET" */
	const char *target;
	const char *remote; /* the client's address; NULL: our own question */
	/* names as in req_header(): "AUTHORIZATION"; a NULL value is left out */
	const struct req_header *headers;
	size_t header_count;
	int64_t wait_us; /* for connecting, asking and the whole answer */
	size_t answer_max; /* head and body */
};

/* In pool memory. */
struct fcgi_answer {
	int status;
	struct req_header headers[FCGI_ANSWER_HEADERS_MAX]; /* as they came */
	size_t header_count;
	const char *body; /* with a NUL behind it that is not counted */
	size_t body_size;
};

/*
 * 0 whatever the status is, if there was a whole answer. E_BUSY when the
 * program is not there, is too slow, breaks off or sends what is no answer:
 * nothing is known then. E_TOOBIG: the question passes FCGI_QUESTION_MAX.
 */
int fcgi_client_ask(struct pool *pool, const struct fcgi_question *question,
    struct fcgi_answer *out, struct err *err);

/* By its name in any case; NULL if there is none. */
const char *fcgi_answer_header(
    const struct fcgi_answer *answer, const char *name);

#endif
