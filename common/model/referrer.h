/* Manifests that refer to a subject (OCI distribution spec 1.1, referrers). */
#ifndef COMMON_MODEL_REFERRER_H
#define COMMON_MODEL_REFERRER_H

#include "common/base/rand.h"
#include "common/oci/oci_digest.h"

struct db;
struct err;
struct pool;

/* Rows of one page. Their annotations' JSON text has together at most
 * annotations_max bytes, unless it is that of a single row. */
#define REFERRER_PAGE_MAX 100

struct referrer {
	struct oci_digest digest;
	const char *media_type;
	uint64_t size;
	const char *artifact_type; /* NULL: none */
	const char *annotations;   /* a JSON object, or NULL */
};

struct referrer_query {
	const char *path; /* the repository */
	struct oci_digest subject;
	const char *artifact_type; /* NULL: all */
	struct rand_id after;	   /* the last one of the page before, or 0 */
	size_t annotations_max;	   /* of a page, see below */
};

/*
 * One page in the order of ids; *more_out: there may be another behind it,
 * after *last_out. No such repository or subject is an empty page.
 */
int referrer_list(struct db *db, struct pool *pool,
    const struct referrer_query *query, struct referrer **out,
    size_t *count_out, bool *more_out, struct rand_id *last_out,
    struct err *err);

/* Is there any behind query->after? */
int referrer_is_more(struct db *db, struct pool *pool,
    const struct referrer_query *query, bool *more_out, struct err *err);

/*
 * Of digests that an index under the subject's fallback tag names (OCI
 * distribution spec 1.1, "Referrers tag schema"): keep[i] is set for those
 * that the repository has and that do not refer to the subject themselves,
 * which referrer_list() does not know therefore.
 */
int referrer_keep_fallback(struct db *db, struct pool *pool,
    const struct referrer_query *query, const struct oci_digest *digests,
    size_t count, bool *keep, struct err *err);

#endif
