/* Lists: tags of a repository, repositories of the registry. */
#include "common/base/base.h"
#include "fcgi/registry/registry.h"

#include "common/base/err.h"
#include "common/model/catalog.h"
#include "common/model/repository.h"
#include "common/model/tag.h"
#include "fcgi/registry/auth.h"
#include "fcgi/registry/page.h"

#define CATALOG_PAGE 100

int
h_tags_get(struct req *req, struct err *err)
{
	const char *name = req->args[0];
	struct repository repository;
	const char **names;
	struct page page;
	size_t count;
	int rc = page_parse(&page, req, PAGE_MAX, err);

	if (rc == 0)
		rc = repository_find(
		    registry.db, req->pool, name, &repository, err);
	if (rc == 0)
		rc = tag_list(registry.db, req->pool, &repository.id,
		    page.last, page.size + 1, &names, &count, err);
	if (rc < 0)
		return rc;
	page_send(req, &page, name, "tags", names, count);
	return 0;
}

int
h_catalog_get(struct req *req, struct err *err)
{
	const char **names;
	struct page page;
	size_t count;
	int rc = page_parse(&page, req, CATALOG_PAGE, err);

	if (rc == 0)
		rc = catalog_list(registry.db, req->pool, auth_account(req),
		    page.last, page.size + 1, &names, &count, err);
	if (rc < 0)
		return rc;
	page_send(req, &page, NULL, "repositories", names, count);
	return 0;
}
