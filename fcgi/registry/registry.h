/*
 * What a worker of dtr-registry shares between its requests, made once at
 * its start, and the names of this component: permissions, handlers,
 * counters.
 */
#ifndef FCGI_REGISTRY_REGISTRY_H
#define FCGI_REGISTRY_REGISTRY_H

#include "common/blob/blob.h"
#include "fcgi/core/req.h"

struct cache;
struct conf;
struct db;
struct err;
struct settings;

struct registry {
	const struct conf *conf;
	struct db *db;
	struct blob_store *store;
	struct cache *tokens;	 /* verified tokens by digest */
	struct cache *manifests; /* payloads by digest */
	const char *service;	 /* host and port of node.external_url */
};

/* Set by registry_start(); handlers read it. */
extern struct registry registry;

/* server.h's callbacks */
int registry_start(const struct conf *conf, struct err *err);
void registry_stop(void);
void registry_tick(void);
int registry_ready(struct err *err);
int registry_check_limits(struct err *err);

enum permission {
	PERMISSION_TOKEN = 1, /* any valid token */
	PERMISSION_CATALOG,
	PERMISSION_PULL, /* these three: on the repository in args[0] */
	PERMISSION_PUSH,
	PERMISSION_DELETE,
};

enum registry_metric {
	REGISTRY_BLOB_BYTES_IN,
	REGISTRY_BLOB_BYTES_OUT,
	REGISTRY_BLOB_BYTES_HANDED_OVER,
	REGISTRY_BLOBS_PUSHED,
	REGISTRY_BLOBS_MOUNTED,
	REGISTRY_MANIFESTS_PUSHED,
	REGISTRY_UPLOADS_STARTED,
	REGISTRY_UPLOADS_ABORTED,
	REGISTRY_TOKENS_VERIFIED,
	REGISTRY_TOKENS_REFUSED,
	REGISTRY_REQUESTS_LIMITED,
	REGISTRY_PULLS_LOST,
	REGISTRY_CACHE_REQUESTS,
	REGISTRY_CACHE_HITS,
	REGISTRY_HASH,
	REGISTRY_STORAGE, /* of the first enum blob_action */
	REGISTRY_STORAGE_LAST = REGISTRY_STORAGE + BLOB_ACTIONS - 1,
	REGISTRY_METRICS, /* their number */
};

int h_base_get(struct req *req, struct err *err);
int h_catalog_get(struct req *req, struct err *err);
int h_tags_get(struct req *req, struct err *err);
int h_referrers_get(struct req *req, struct err *err);
int h_upload_post(struct req *req, struct err *err);
int h_upload_get(struct req *req, struct err *err);
int h_upload_patch(struct req *req, struct err *err);
int h_upload_put(struct req *req, struct err *err);
int h_upload_delete(struct req *req, struct err *err);
int h_blob_get(struct req *req, struct err *err);
int h_blob_delete(struct req *req, struct err *err);
int h_manifest_get(struct req *req, struct err *err);
int h_manifest_put(struct req *req, struct err *err);
int h_manifest_delete(struct req *req, struct err *err);

#endif
