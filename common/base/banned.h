/*
 * Calls that are unsafe, not thread safe or circumvent a module of ours are
 * compile errors. What to use instead stands before each group. Standard
 * headers that declare them come before this file: base.h does that.
 */
#ifndef COMMON_BASE_BANNED_H
#define COMMON_BASE_BANNED_H

#define BANNED(name) banned_call_of_##name

/* snprintf, pool_printf or str_printf */
#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef sprintf
#undef vsprintf
#define strcpy(...) BANNED(strcpy)
#define strcat(...) BANNED(strcat)
#define strncpy(...) BANNED(strncpy)
#define strncat(...) BANNED(strncat)
#define sprintf(...) BANNED(sprintf)
#define vsprintf(...) BANNED(vsprintf)
/* pointers, or uri.h */
#undef strtok
#undef strtok_r
#define strtok(...) BANNED(strtok)
#define strtok_r(...) BANNED(strtok_r)
/* time.h of ours */
#undef gmtime
#undef localtime
#undef ctime
#undef asctime
#define gmtime(...) BANNED(gmtime)
#define localtime(...) BANNED(localtime)
#define ctime(...) BANNED(ctime)
#define asctime(...) BANNED(asctime)
/* num.h */
#undef atoi
#undef atol
#undef atoll
#undef sscanf
#define atoi(...) BANNED(atoi)
#define atol(...) BANNED(atol)
#define atoll(...) BANNED(atoll)
#define sscanf(...) BANNED(sscanf)
/* io.h, rand.h; alloca() is refused by -Walloca */
#undef mktemp
#undef system
#undef popen
#undef rand
#define mktemp(...) BANNED(mktemp)
#define system(...) BANNED(system)
#define popen(...) BANNED(popen)
#define rand(...) BANNED(rand)

#endif
