/*
 * Errors. A function that can fail returns 0 or a negative code, takes a
 * struct err * as its last parameter and fills it once, where the fault is
 * seen. Callers pass the code on; they may put words before the text. Only
 * fcgi/core/edge.c makes HTTP of it, and only main programs print it.
 *
 * Absence is an answer, not a fault: finders return E_NOTFOUND. A question
 * that can fail returns -1, 0 or 1: "could not find out" is neither "no" nor
 * "yes".
 *
 * The text is for the user: lower case, no full stop, the subject in quotes,
 * and what to do where that helps. The cause is for the log alone: what the
 * system or a library said. Neither ever holds a secret.
 */
#ifndef COMMON_BASE_ERR_H
#define COMMON_BASE_ERR_H

enum err_code {
	E_NOTFOUND = -1,   /* it is not there */
	E_DENIED = -2,     /* known caller, not allowed */
	E_UNAUTH = -3,     /* unknown caller */
	E_INVALID = -4,    /* the caller's input is wrong */
	E_EXISTS = -5,     /* it is there already */
	E_CONFLICT = -6,   /* the state does not allow it */
	E_TOOBIG = -7,     /* over a maximum */
	E_RANGE = -8,      /* an offset or range that does not fit */
	E_LIMIT = -9,      /* too many, try later */
	E_ABORTED = -10,   /* the client went away */
	E_BUSY = -11,      /* a part is down or overloaded, try later */
	E_FULL = -12,      /* no space in the store */
	E_UNCERTAIN = -13, /* a COMMIT whose outcome is not known */
	E_INTERNAL = -14,  /* our own fault */
};

struct err {
	enum err_code code; /* 0: nothing set */
	const char *reason; /* protocol's own code, static text, or NULL */
	char text[320];     /* for the user */
	char cause[384];    /* for the log */
};

/* What one starts with that may stay as it is: struct err err = ERR_INIT; */
#define ERR_INIT { .code = 0 }

/*
 * Fills err and returns code, so that one can write
 *	return err_set(err, E_INVALID, "tag \"%s\" is not valid", tag);
 * reason and cause are cleared; no argument may point into err.
 */
int err_set(struct err *err, enum err_code code, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Adds the cause for the log; returns err->code. */
int err_cause(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Adds errno's text as the cause; returns err->code. */
int err_errno(struct err *err, int number);

/* Puts "words: " before the text; returns err->code. */
int err_prefix(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Sets the protocol's code (a static text); returns err->code. */
int err_reason(struct err *err, const char *reason);

/* Forgets an error that was handled. */
void err_clear(struct err *err);

/* The code's name in lower case, for logs: "not_found". */
const char *err_name(enum err_code code);

#endif
