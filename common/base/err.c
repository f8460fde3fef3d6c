#include "common/base/base.h"
#include "common/base/err.h"

#include <stdarg.h>

int
err_set(struct err *err, enum err_code code, const char *format, ...)
{
	va_list args;

	err_clear(err);
	err->code = code;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return code;
}

int
err_cause(struct err *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->cause, sizeof(err->cause), format, args);
	va_end(args);
	return err->code;
}

int
err_errno(struct err *err, int number)
{
	char text[128];

	return err_cause(err, "%s", strerror_r(number, text, sizeof(text)));
}

int
err_prefix(struct err *err, const char *format, ...)
{
	char words[sizeof(err->text)];
	char text[sizeof(err->text)];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	memcpy(text, err->text, sizeof(text));
	/* a cut is fine: the text is for people */
	if (snprintf(err->text, sizeof(err->text), "%.160s: %s", words, text) <
	    0)
		err->text[0] = '\0';
	return err->code;
}

int
err_reason(struct err *err, const char *reason)
{
	err->reason = reason;
	return err->code;
}

void
err_clear(struct err *err)
{
	*err = (struct err){ .reason = NULL };
}

const char *
err_name(enum err_code code)
{
	switch (code) {
	case E_NOTFOUND:
		return "not_found";
	case E_DENIED:
		return "denied";
	case E_UNAUTH:
		return "unauthenticated";
	case E_INVALID:
		return "invalid";
	case E_EXISTS:
		return "exists";
	case E_CONFLICT:
		return "conflict";
	case E_TOOBIG:
		return "too_big";
	case E_RANGE:
		return "range";
	case E_LIMIT:
		return "limit";
	case E_ABORTED:
		return "aborted";
	case E_BUSY:
		return "busy";
	case E_FULL:
		return "full";
	case E_UNCERTAIN:
		return "uncertain";
	case E_INTERNAL:
		return "internal";
	}
	return "none";
}
