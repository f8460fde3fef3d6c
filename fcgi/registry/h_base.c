#include "common/base/base.h"
#include "fcgi/registry/registry.h"

int
h_base_get(struct req *req, struct err *err UNUSED)
{
	resp_send(req, "application/json", "{}", 2);
	return 0;
}
