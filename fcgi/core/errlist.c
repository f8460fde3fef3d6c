#include "common/base/base.h"
#include "fcgi/core/errlist.h"

#include "fcgi/core/req.h"

#define BODY_MAX ((size_t)1 << 20)

void
errlist_begin(struct errlist *list, struct req *req)
{
	list->req = req;
	str_init(&list->body, req->pool, BODY_MAX);
	jsw_init(&list->w, &list->body);
	jsw_object(&list->w, NULL);
	jsw_array(&list->w, "errors");
}

void
errlist_add(struct errlist *list, const char *code, const char *message,
    const char *detail_name, const char *detail)
{
	jsw_object(&list->w, NULL);
	jsw_str(&list->w, "code", code);
	jsw_str(&list->w, "message", message);
	if (detail_name != NULL) {
		jsw_object(&list->w, "detail");
		jsw_str(&list->w, detail_name, detail);
		jsw_end(&list->w);
	}
	jsw_end(&list->w);
}

void
errlist_send(struct errlist *list)
{
	jsw_end(&list->w);
	jsw_end(&list->w);
	jsw_done(&list->w);
	resp_send(list->req, "application/json", list->body.p, list->body.len);
}

void
errlist_send_one(struct req *req, const char *code, const char *message)
{
	struct errlist list;

	errlist_begin(&list, req);
	errlist_add(&list, code, message, NULL, NULL);
	errlist_send(&list);
}
