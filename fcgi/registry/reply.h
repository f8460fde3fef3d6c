/* What the handlers of blobs, uploads and manifests answer alike. */
#ifndef FCGI_REGISTRY_REPLY_H
#define FCGI_REGISTRY_REPLY_H

struct err;
struct oci_digest;
struct req;

/* The headers Docker-Content-Digest, ETag and Cache-Control of a content; not
 * before it is certain that the answer is no error. */
void reply_content(struct req *req, const char *digest, const char *caching);

/*
 * If-Match and If-None-Match of a GET or HEAD (RFC 9110, 13.1): 0, go on; 1,
 * 304 was sent; E_CONFLICT, reason PRECONDITION_FAILED. Digests in them may
 * be quoted or not.
 */
int reply_conditions(
    struct req *req, const char *digest, const char *caching, struct err *err);

/* If-Match of a request to change or delete it: as above. */
int reply_check_match(
    const struct req *req, const char *digest, struct err *err);

/* 201 with Location "/v2/<name>/<kind>/<digest>". */
void reply_created(struct req *req, const char *kind, const char *digest);

/* A Warning header (RFC 7234, 5.5) that clients show to their user. */
void reply_warning(struct req *req, const char *format, ...)
    PRINTF_LIKE(2, 3);

/*
 * The digest in text, which came from the client; reason DIGEST_INVALID.
 * text NULL: "parameter digest is missing".
 */
int reply_parse_digest(
    struct oci_digest *out, const char *text, struct err *err);

#endif
