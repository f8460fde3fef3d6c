/* The registry's authorize step: token, rights, challenge. */
#ifndef FCGI_REGISTRY_AUTH_H
#define FCGI_REGISTRY_AUTH_H

#include "fcgi/registry/token.h"

struct req;

/* server.h's authorize(); sets req->identity to a struct identity. */
int auth_authorize(struct req *req, int permission, struct err *err);

/* Who makes the request; never NULL in a handler. */
const struct identity *auth_identity(const struct req *req);

/* The account's id for rows that say who did it; NULL if not known. */
const struct rand_id *auth_account(const struct req *req);

#endif
