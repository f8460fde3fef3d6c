/* Events of requests: who, what, on which repository (model/event.h). */
#ifndef FCGI_REGISTRY_NOTE_H
#define FCGI_REGISTRY_NOTE_H

#include "common/model/event.h"

struct req;

/* Who makes the request; texts and id live as long as the request. */
struct actor *note_actor(struct req *req);

/*
 * A note of this request about the repository in its address, in request
 * memory; the caller fills in what else is known.
 */
struct event_note *note_new(struct req *req, enum event_kind kind,
    enum event_object object, const struct rand_id *repository_id);

#endif
