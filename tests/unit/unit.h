/* What every unit test includes after base.h: cmocka and its needs. */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* One group in a program, reported in TAP form for automake's driver. */
#define UNIT_MAIN(tests) \
	int main(void) \
	{ \
		cmocka_set_message_output(CM_OUTPUT_TAP); \
		return cmocka_run_group_tests((tests), NULL, NULL); \
	}

#endif
