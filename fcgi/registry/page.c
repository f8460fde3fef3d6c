#include "common/base/base.h"
#include "fcgi/registry/page.h"

#include "common/base/err.h"
#include "common/base/num.h"
#include "common/base/str.h"
#include "common/json/jsw.h"
#include "fcgi/core/req.h"

#define BODY_MAX ((size_t)1 << 20)

int
page_parse(struct page *out, const struct req *req, size_t default_size,
    struct err *err)
{
	const char *n = uri_param(&req->uri, "n");
	const char *last = uri_param(&req->uri, "last");
	uint64_t size = default_size;

	if (n != NULL && !num_parse_u64(n, strlen(n), UINT64_MAX, &size)) {
		err_set(err, E_INVALID,
		    "page size \"%.40s\" is not a number from 0", n);
		return err_reason(err, "PAGINATION_NUMBER_INVALID");
	}
	out->size = size > PAGE_MAX ? PAGE_MAX : (size_t)size;
	out->last = last != NULL ? last : "";
	return 0;
}

static void
put_link(struct req *req, const struct page *page, const char *last)
{
	resp_printf(req, "Link", "<%s?last=%s&n=%zu>; rel=\"next\"",
	    req->uri.path, uri_encode(req->pool, last), page->size);
}

void
page_send(struct req *req, const struct page *page, const char *name,
    const char *key, const char *const *names, size_t count)
{
	struct str body;
	struct jsw w;

	if (count > page->size && page->size > 0)
		put_link(req, page, names[page->size - 1]);
	str_init(&body, req->pool, BODY_MAX);
	jsw_init(&w, &body);
	jsw_object(&w, NULL);
	if (name != NULL)
		jsw_str(&w, "name", name);
	jsw_array(&w, key);
	for (size_t i = 0; i < count && i < page->size; i++)
		jsw_str(&w, NULL, names[i]);
	jsw_end(&w);
	jsw_end(&w);
	jsw_done(&w);
	resp_send(req, "application/json", body.p, body.len);
}
