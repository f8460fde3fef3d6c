/* Error numbers of the server and the client library, and what they mean. */
#include "common/base/base.h"
#include "common/db/db_private.h"

#include "common/base/err.h"

/* by number: no header names all of them for both families of servers */
static const struct {
	unsigned number;
	enum fault fault;
} numbers[] = {
	{ 1020, FAULT_AGAIN }, /* row changed since it was read */
	{ 1040, FAULT_NOT_READY }, /* too many connections */
	{ 1041, FAULT_NOT_READY }, /* out of memory */
	{ 1047, FAULT_NOT_READY }, /* node without its cluster */
	{ 1053, FAULT_LOST }, /* server shutdown */
	{ 1062, FAULT_EXISTS }, { 1152, FAULT_LOST }, /* aborted connection */
	{ 1158, FAULT_LOST }, /* errors of the server's network, to 1161 */
	{ 1159, FAULT_LOST }, { 1160, FAULT_LOST }, { 1161, FAULT_LOST },
	{ 1180, FAULT_NOT_READY }, /* quorum lost while a COMMIT waited */
	{ 1184, FAULT_LOST }, /* aborted connection */
	{ 1203, FAULT_NOT_READY }, /* too many connections of this user */
	{ 1205, FAULT_WAITED }, /* lock wait, or a node far behind */
	{ 1213, FAULT_AGAIN }, /* deadlock, or certification failed */
	{ 1226, FAULT_NOT_READY }, /* a limit of this user */
	{ 1243, FAULT_LOST }, /* unknown prepared statement */
	{ 1290, FAULT_NOT_READY }, /* server is read-only */
	{ 1412, FAULT_AGAIN }, /* table was altered since it was read */
	{ 1451, FAULT_REFERENCE }, { 1452, FAULT_REFERENCE },
	{ 1615, FAULT_LOST }, /* statement needs to be prepared again */
	{ 1836, FAULT_NOT_READY }, /* server is read-only */
	{ 1927, FAULT_LOST }, /* connection was killed */
	{ 3169, FAULT_LOST }, /* session was killed */
	{ 4031, FAULT_LOST }, /* idle for too long */
};

#define CLIENT_FIRST 2000
#define CLIENT_LAST  2999

enum fault
fault_of(unsigned number)
{
	/* the library fails without a number, too: nothing is known then */
	if (number == 0 || (number >= CLIENT_FIRST && number <= CLIENT_LAST))
		return FAULT_LOST;
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		if (numbers[i].number == number)
			return numbers[i].fault;
	return FAULT_OTHER;
}

bool
fault_is_again(enum fault fault)
{
	return fault == FAULT_AGAIN || fault == FAULT_WAITED ||
	    fault == FAULT_LOST || fault == FAULT_NOT_READY;
}

static enum err_code
code_of(enum fault fault, const char **text_out)
{
	switch (fault) {
	case FAULT_EXISTS:
		*text_out = "it exists already";
		return E_EXISTS;
	case FAULT_REFERENCE:
		*text_out = "something refers to it, or what it refers to is "
			    "gone";
		return E_CONFLICT;
	case FAULT_AGAIN:
	case FAULT_WAITED:
		*text_out = "the database is busy, try again";
		return E_BUSY;
	case FAULT_LOST:
	case FAULT_NOT_READY:
		*text_out = "the database does not answer, try again";
		return E_BUSY;
	case FAULT_NONE:
	case FAULT_OTHER:
		break;
	}
	*text_out = "the database refused a statement";
	return E_INTERNAL;
}

/*
 * Does the server's message quote a value? Values may be somebody's secret,
 * so such messages are not passed on.
 */
static bool
quotes_a_value(unsigned number)
{
	return number == 1062 || number == 1264 || number == 1292 ||
	    number == 1300 || number == 1366 || number == 1411 ||
	    number == 1525;
}

int
fault_to_err(
    unsigned number, const char *what, const char *message, struct err *err)
{
	const char *text;
	enum err_code code = code_of(fault_of(number), &text);

	err_set(err, code, "%s", text);
	return err_cause(err, "%s: %u%s%.300s", what, number,
	    quotes_a_value(number) ? "" : ": ",
	    quotes_a_value(number) ? "" : message);
}
