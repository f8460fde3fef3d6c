/*
 * What a worker of dtr-garant shares between its requests, made once at its
 * start, and the names of this component. It alone reads the private keys
 * that sign registry tokens.
 */
#ifndef FCGI_GARANT_GARANT_H
#define FCGI_GARANT_GARANT_H

#include "fcgi/core/req.h"

struct account;
struct conf;
struct db;
struct err;

struct garant {
	const struct conf *conf;
	struct db *db;
	const char *service; /* host and port of node.external_url */
};

extern struct garant garant;

/* server.h's callbacks */
int garant_start(const struct conf *conf, struct err *err);
void garant_stop(void);
void garant_tick(void);
int garant_ready(struct err *err);
int garant_check_limits(struct err *err);
int garant_authorize(struct req *req, int permission, struct err *err);
void garant_put_error(struct req *req, const struct err *err);

/* rate_check() of a caller who is nobody (NULL) or logged in. */
int garant_check_rate(
    struct req *req, int rc, const struct account *account, struct err *err);

enum permission {
	/* open to all */
	PERMISSION_NONE = 1,
	/* open to all; the handler checks who it is and asks for the rate */
	PERMISSION_LOGIN,
	/* of the programs of this node, which limit their own callers */
	PERMISSION_NODE,
};

enum garant_metric {
	GARANT_TOKENS_USER,
	GARANT_TOKENS_ANONYMOUS,
	GARANT_LOGINS_GOOD,
	GARANT_LOGINS_CACHED,
	GARANT_LOGINS_WRONG,
	GARANT_LOGINS_DELAYED,
	GARANT_LOGINS_BUSY,
	GARANT_METRICS, /* their number */
};

int h_token_get(struct req *req, struct err *err);
int h_token_post(struct req *req, struct err *err);
int h_identity_get(struct req *req, struct err *err);
int h_keys_get(struct req *req, struct err *err);

#endif
