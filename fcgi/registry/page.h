/*
 * Pages of names: "?n=" and "?last=", and the Link header of a page that has
 * a next one (OCI distribution spec 1.1, "Listing tags").
 */
#ifndef FCGI_REGISTRY_PAGE_H
#define FCGI_REGISTRY_PAGE_H

struct err;
struct req;

struct page {
	size_t size;	  /* names on this page */
	const char *last; /* the page begins behind it, "" at the start */
};

#define PAGE_MAX 1000

/* E_INVALID, reason PAGINATION_NUMBER_INVALID, unless n is a number >= 0. */
int page_parse(struct page *out, const struct req *req, size_t default_size,
    struct err *err);

/*
 * Sends {"<key>":[names...]} with name (NULL: none) before it. Ask for one
 * name more than the page's size: it shows whether there is a next page.
 */
void page_send(struct req *req, const struct page *page, const char *name,
    const char *key, const char *const *names, size_t count);

#endif
