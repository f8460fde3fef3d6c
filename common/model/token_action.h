/*
 * What registry tokens open, and clients ask for in scopes: the actions of the
 * Docker token specification. Pure.
 */
#ifndef COMMON_MODEL_TOKEN_ACTION_H
#define COMMON_MODEL_TOKEN_ACTION_H

enum token_action {
	TOKEN_PULL = 1,
	TOKEN_PUSH = 2,
	TOKEN_DELETE = 4,
	TOKEN_ALL = 8, /* "*" */
	TOKEN_SEARCH = 16, /* of registry:catalog, what Docker searches by */
};

#define TOKEN_ACTIONS 5
extern const struct token_action_name {
	enum token_action action;
	const char *name;
} token_action_names[TOKEN_ACTIONS];

/* The action whose name these n bytes are, or 0. */
unsigned token_action_parse(const char *name, size_t n);

#endif
