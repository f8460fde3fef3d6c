/* Passwords from a file, standard input, or a terminal. */
#ifndef CLI_SECRET_H
#define CLI_SECRET_H

struct err;
struct pool;

#define SECRET_PASSWORD_MIN 8

/*
 * The rules for new passwords: 8 to 511 bytes of UTF-8, no control characters.
 * What is not UTF-8 could be sent as Basic, but not in a form (uri_parse_form).
 */
int secret_check_password(const char *password, struct err *err);

/*
 * Reads a secret into wiped memory. file: a path (refused when it is open to
 * others), "-" for standard input up to its end, or NULL to ask twice on the
 * terminal, without echo. Newlines at the end are cut.
 */
int secret_read(struct pool *pool, const char *file, const char *prompt,
    const char **out, struct err *err);

/* The same and the rules. */
int secret_read_password(struct pool *pool, const char *file,
    const char *prompt, const char **out, struct err *err);

#endif
