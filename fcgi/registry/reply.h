/* What the handlers of blobs, uploads and manifests answer alike. */
#ifndef FCGI_REGISTRY_REPLY_H
#define FCGI_REGISTRY_REPLY_H

struct err;
struct oci_digest;
struct req;

/* Docker-Content-Digest and ETag. */
void reply_digest(struct req *req, const char *digest);

/*
 * Does If-None-Match name this digest (quoted or not, or "*")? Then the
 * answer 304 was sent.
 */
bool reply_not_modified(struct req *req, const char *digest);

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
