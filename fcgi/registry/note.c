#include "common/base/base.h"
#include "fcgi/registry/note.h"

#include "common/base/pool.h"
#include "fcgi/core/req.h"
#include "fcgi/registry/auth.h"

struct actor *
note_actor(struct req *req)
{
	struct actor *actor = pool_alloc(req->pool, sizeof(*actor));

	actor->account_id = auth_account(req);
	actor->account = req->actor;
	actor->remote = req->remote;
	actor->request_id = req->id;
	actor->user_agent = req_header(req, "USER_AGENT");
	return actor;
}

struct event_note *
note_new(struct req *req, enum event_kind kind, enum event_object object,
    const struct rand_id *repository_id)
{
	struct event_note *note = pool_alloc(req->pool, sizeof(*note));

	note->actor = note_actor(req);
	note->event = (struct event){ .id = rand_id_new(),
		.kind = kind,
		.object = object,
		.repository_id = *repository_id,
		.repository = req->args[0] };
	return note;
}
