/* Error numbers of the server and the client library, and what they mean. */
#include "common/base/base.h"
#include "common/db/db_private.h"

#include <errmsg.h>
#include <mysqld_error.h>

#include "common/base/err.h"

/* not in every library's headers */
#define NUMBER_LOST_IN_QUERY 1927 /* connection was killed */
#define NUMBER_ROLLED_BACK 1180	  /* error during COMMIT: no quorum */
#define NUMBER_NOT_READY 1047	  /* node is not part of the cluster */
#define NUMBER_CHECKREAD 1020	  /* row changed since it was read */

bool
number_is_lost(unsigned number)
{
	return number >= CR_MIN_ERROR || number == NUMBER_LOST_IN_QUERY ||
	    number == ER_SERVER_SHUTDOWN || number == NUMBER_NOT_READY ||
	    number == ER_CON_COUNT_ERROR || number == NUMBER_ROLLED_BACK;
}

bool
number_is_retry(unsigned number)
{
	return number_is_lost(number) || number == ER_LOCK_DEADLOCK ||
	    number == ER_LOCK_WAIT_TIMEOUT || number == NUMBER_CHECKREAD;
}

static enum err_code
code_of(unsigned number)
{
	switch (number) {
	case ER_DUP_ENTRY:
		return E_EXISTS;
	case ER_ROW_IS_REFERENCED_2:
	case ER_NO_REFERENCED_ROW_2:
		return E_CONFLICT;
	default:
		return number_is_retry(number) ? E_BUSY : E_INTERNAL;
	}
}

int
number_to_err(unsigned number, const char *text, struct err *err)
{
	enum err_code code = code_of(number);

	err_set(err, code, "%s",
	    code == E_BUSY	   ? "the database does not answer"
		: code == E_EXISTS ? "it exists already"
		: code == E_CONFLICT
		? "something refers to it, or what it refers to is gone"
		: "the database refused a statement");
	return err_cause(err, "%u: %s", number, text);
}
