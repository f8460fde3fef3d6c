/*
 * What a worker of dtr-api shares between its requests, made once at its
 * start, and the names of this component. It checks no credentials: it asks
 * dtr-garant (identity.h).
 */
#ifndef FCGI_API_API_H
#define FCGI_API_API_H

#include "fcgi/core/req.h"

struct conf;
struct db;
struct err;

struct api {
	const struct conf *conf;
	struct db *db;
};

extern struct api api;

/* server.h's callbacks */
int api_start(const struct conf *conf, struct err *err);
void api_stop(void);
void api_tick(void);
int api_ready(struct err *err);
int api_check_limits(struct err *err);
int api_authorize(struct req *req, int permission, struct err *err);
void api_put_error(struct req *req, const struct err *err);

enum permission {
	/* open to all, as often as they like: what costs nothing */
	PERMISSION_PROBE = 1,
	/* open to all; who sends credentials must have good ones */
	PERMISSION_ANYBODY,
};

enum api_metric {
	API_SEARCHES_USER,
	API_SEARCHES_ANONYMOUS,
	API_SEARCHES_CUT,
	API_IDENTITIES_GOOD,
	API_IDENTITIES_REFUSED,
	API_IDENTITIES_UNKNOWN,
	API_UPLOADS,
	API_UPLOADS_EXPIRED,
	API_OBJECTS,
	API_REVIEWS,
	API_OBJECTS_OVERDUE,
	API_REVIEWS_OVERDUE,
	API_BLOBS_UPLOADING,
	API_BLOBS_LIVE,
	API_BLOBS_DOOMED,
	API_FREED_BYTES,
	API_CLUSTER_READY,
	API_CLUSTER_NODES,
	API_CLUSTER_RECEIVED,
	API_METRICS, /* their number */
};

int h_ping_get(struct req *req, struct err *err);
int h_ping_v1_get(struct req *req, struct err *err);
int h_search_get(struct req *req, struct err *err);

#endif
