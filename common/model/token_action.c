#include "common/base/base.h"
#include "common/model/token_action.h"

const struct token_action_name token_action_names[TOKEN_ACTIONS] = {
	{ TOKEN_PULL, "pull" },
	{ TOKEN_PUSH, "push" },
	{ TOKEN_DELETE, "delete" },
	{ TOKEN_ALL, "*" },
	{ TOKEN_SEARCH, "search" },
};

unsigned
token_action_parse(const char *name, size_t n)
{
	for (size_t i = 0; i < TOKEN_ACTIONS; i++)
		if (strlen(token_action_names[i].name) == n &&
		    memcmp(token_action_names[i].name, name, n) == 0)
			return token_action_names[i].action;
	return 0;
}
