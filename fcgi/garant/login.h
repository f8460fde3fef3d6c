/*
 * Who is it? Checks a name with a password or an access token. Guessing is
 * slowed down for each pair of name and address (model/login_delay); at most
 * so many passwords are hashed at once, and not more logins wait for that than
 * are told to, so that threads are left for what needs no password; and a
 * password that was right is remembered for a minute, since docker sends it
 * with every pull.
 */
#ifndef FCGI_GARANT_LOGIN_H
#define FCGI_GARANT_LOGIN_H

#include "common/model/account.h"

struct err;
struct req;

/* Once in a process: how many passwords are checked at once, and how many
 * logins wait for a check. */
void login_start(unsigned parallel_checks, unsigned waiting);
void login_stop(void);

/*
 * Name and password of Basic authentication (RFC 7617), in pool memory. 1,
 * 0 there is no such header, E_UNAUTH it is malformed.
 */
int login_parse_basic(struct req *req, char **name_out, char **password_out,
    struct err *err);

/*
 * E_UNAUTH with one and the same text for all kinds of wrong; E_LIMIT with
 * Retry-After set while this address has to wait or all places are taken;
 * E_BUSY when it could not be found out.
 */
int login_password(struct req *req, const char *name, const char *password,
    struct account *out, struct err *err);

#endif
