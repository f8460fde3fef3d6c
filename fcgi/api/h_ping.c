/* Health for load balancers, and what Docker's clients ask for first. */
#include "common/base/base.h"
#include "fcgi/api/api.h"

#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/json/jsw.h"
#include "fcgi/api/health.h"

#define ANSWER_MAX ((size_t)4 << 10)

int
h_ping_get(struct req *req, struct err *err UNUSED)
{
	const char *broken = health_check(req->pool);
	struct str body;
	struct jsw w;

	str_init(&body, req->pool, ANSWER_MAX);
	jsw_init(&w, &body);
	jsw_object(&w, NULL);
	jsw_str(&w, "Error", broken);
	jsw_bool(&w, "Healthy", broken[0] == '\0');
	jsw_end(&w);
	jsw_done(&w);
	if (broken[0] != '\0') {
		resp_status(req, 503);
		resp_header(req, "Retry-After", "2");
	}
	resp_header(req, "Cache-Control", "no-store");
	resp_send(req, "application/json", body.p, body.len);
	return 0;
}

/*
 * The registry protocol's first version, of which only the search is left. To
 * a registry that calls itself standalone Docker sends credentials always,
 * and empty ones if there are none; to others if it has some.
 */
int
h_ping_v1_get(struct req *req, struct err *err UNUSED)
{
	static const char body[] = "{\"standalone\":false}";

	resp_header(req, "X-Docker-Registry-Standalone", "false");
	resp_send(req, "application/json", body, sizeof(body) - 1);
	return 0;
}
