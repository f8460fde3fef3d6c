/*
 * The error form that the registry, the token service and DTR's API share:
 * {"errors":[{"code":"...","message":"...","detail":{...}}]}.
 */
#ifndef FCGI_CORE_ERRLIST_H
#define FCGI_CORE_ERRLIST_H

#include "common/base/str.h"
#include "common/json/jsw.h"

struct req;

struct errlist {
	struct req *req;
	struct str body;
	struct jsw w;
};

/* Begin, add each error, send with the request's status. */
void errlist_begin(struct errlist *list, struct req *req);
/* detail_name NULL: no detail. */
void errlist_add(struct errlist *list, const char *code, const char *message,
    const char *detail_name, const char *detail);
void errlist_send(struct errlist *list);

/* All three for one error without detail. */
void errlist_send_one(struct req *req, const char *code, const char *message);

#endif
