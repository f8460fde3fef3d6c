/*
 * Who calls? dtr-garant is asked with the caller's Authorization header,
 * Basic or Bearer, and with his address, so that guessing is slowed for him
 * and not for this node.
 */
#ifndef FCGI_API_IDENTITY_H
#define FCGI_API_IDENTITY_H

#include "common/base/rand.h"

struct err;
struct req;

struct identity {
	const char *name;
	struct rand_id id;
	bool is_admin; /* of the system */
};

/*
 * Sets the request's identity, which stays NULL for who has no credentials
 * or a token of nobody's. E_UNAUTH for bad ones (a challenge is set), E_LIMIT
 * when he has to wait, E_BUSY when it could not be found out.
 */
int identity_find(struct req *req, struct err *err);

/* NULL: anonymous. */
const struct identity *identity_of(const struct req *req);

#endif
