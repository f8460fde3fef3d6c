/*
 * The first include of every source file: configuration, the standard
 * headers that all code may use, attributes, and the ban on unsafe calls.
 */
#ifndef COMMON_BASE_BASE_H
#define COMMON_BASE_BASE_H

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define PRINTF_LIKE(text_arg, first_arg) \
	__attribute__((format(printf, text_arg, first_arg)))
#define MUST_CHECK __attribute__((warn_unused_result))
#define UNUSED __attribute__((unused))
#define NORETURN __attribute__((noreturn))

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/*
 * A bug in this program, never a fault of its input: says where and aborts.
 * The master starts a new worker. Always compiled in.
 */
#define ASSERT(cond) \
	do { \
		if (!(cond)) \
			base_bug(__FILE__, __LINE__, #cond); \
	} while (0)

NORETURN void base_bug(const char *file, int line, const char *what);

#include "common/base/banned.h"

#endif
