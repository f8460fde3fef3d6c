/*
 * Who is it? Asked by the other programs of this node over the socket, so
 * that no other one ever checks credentials. The web server passes only
 * /auth/ on: no client reaches this.
 */
#include "common/base/base.h"
#include "fcgi/garant/garant.h"

#include <strings.h>

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/json/jsw.h"
#include "fcgi/garant/bearer.h"
#include "fcgi/garant/login.h"

#define ANSWER_MAX ((size_t)4 << 10)

/* account NULL: nobody, by a good token */
static void
put_answer(struct req *req, const struct account *account)
{
	char id[RAND_ID_TEXT_SIZE];
	struct str body;
	struct jsw w;

	str_init(&body, req->pool, ANSWER_MAX);
	jsw_init(&w, &body);
	jsw_object(&w, NULL);
	jsw_str(&w, "name", account != NULL ? account->name : "");
	if (account != NULL) {
		rand_id_put(id, &account->id);
		jsw_str(&w, "id", id);
		jsw_bool(&w, "isAdmin", account->is_admin);
	}
	jsw_end(&w);
	jsw_done(&w);
	resp_header(req, "Cache-Control", "no-store");
	resp_send(req, "application/json", body.p, body.len);
}

/* 1 an account, 0 nobody */
static int
check(struct req *req, struct account *out, struct err *err)
{
	const char *header = req_header(req, "AUTHORIZATION");
	char *name, *password;
	int rc;

	if (header != NULL && strncasecmp(header, "Bearer ", 7) == 0)
		return bearer_check(
		    req->pool, header + 7 + strspn(header + 7, " "), out, err);
	rc = login_parse_basic(req, &name, &password, err);
	if (rc == 0)
		return err_set(err, E_UNAUTH, "authentication required");
	/* clients without credentials may send empty ones */
	if (rc == 1 && name[0] == '\0' && password[0] == '\0')
		return 0;
	if (rc == 1)
		rc = login_password(req, name, password, out, err);
	return rc < 0 ? rc : 1;
}

int
h_identity_get(struct req *req, struct err *err)
{
	struct account *account = pool_alloc(req->pool, sizeof(*account));
	int rc = check(req, account, err);

	if (rc < 0)
		return rc;
	if (rc == 1)
		req->actor = account->name;
	put_answer(req, rc == 1 ? account : NULL);
	return 0;
}
