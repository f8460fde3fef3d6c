/* What the files of common/conf share. */
#ifndef COMMON_CONF_CONF_PRIVATE_H
#define COMMON_CONF_CONF_PRIVATE_H

struct conf;
struct err;

/* What no single line tells: forms of addresses, keys that must agree. */
int conf_check(const struct conf *conf, struct err *err);

#endif
