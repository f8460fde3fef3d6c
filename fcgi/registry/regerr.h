/*
 * Errors in the registry's form: {"errors":[{"code","message","detail"}]}
 * (OCI distribution spec 1.1, "Error codes").
 */
#ifndef FCGI_REGISTRY_REGERR_H
#define FCGI_REGISTRY_REGERR_H

#include "common/base/err.h"

/* a reason of ours: answered as TAG_INVALID with 414 */
#define REGERR_TOO_MANY_TAGS "TOO_MANY_TAGS"

struct manifest_push;
struct req;

/* server.h's put_error() */
void regerr_put(struct req *req, const struct err *err);

/* One MANIFEST_BLOB_UNKNOWN for each missing digest, with status 400. */
void regerr_put_missing(struct req *req, const struct manifest_push *push);

#endif
