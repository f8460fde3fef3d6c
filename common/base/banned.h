/*
 * Calls that are unsafe, not thread safe or circumvent a module of ours are
 * compile errors. Each has its replacement beside it. Standard headers that
 * declare them must come before this file: base.h does that.
 */
#ifndef COMMON_BASE_BANNED_H
#define COMMON_BASE_BANNED_H

/* snprintf, pool_printf or str_printf */
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets
/* uri.h, or pointers */
#pragma GCC poison strtok strtok_r
/* time.h of ours */
#pragma GCC poison gmtime localtime ctime asctime ctime_r asctime_r
/* num.h */
#pragma GCC poison atoi atol atoll atof sscanf vsscanf
/* io.h, rand.h; alloca() is refused by -Walloca */
#pragma GCC poison mktemp tmpnam tempnam system popen rand random

#endif
