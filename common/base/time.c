#include "common/base/base.h"
#include "common/base/time.h"

static int64_t
clock_us(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * TIME_SECOND + now.tv_nsec / 1000;
}

int64_t
time_now_us(void)
{
	return clock_us(CLOCK_REALTIME);
}

int64_t
time_now_s(void)
{
	return time_now_us() / TIME_SECOND;
}

int64_t
time_monotonic_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

/* 9999-12-31T23:59:59.999999Z */
#define LAST_US (INT64_C(253402300800) * TIME_SECOND - 1)

static int64_t
writable(int64_t us)
{
	return us < 0 ? 0 : us > LAST_US ? LAST_US : us;
}

void
time_put_rfc3339(char text[TIME_TEXT_SIZE], int64_t us)
{
	time_t seconds;
	unsigned year;
	struct tm tm;

	us = writable(us);
	seconds = (time_t)(us / TIME_SECOND);
	gmtime_r(&seconds, &tm);
	/* a number that the compiler, too, sees to have four digits */
	year = (unsigned)(tm.tm_year + 1900) % 10000;
	snprintf(text, TIME_TEXT_SIZE, "%04u-%02d-%02dT%02d:%02d:%02d.%06dZ",
	    year, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    (int)(us % TIME_SECOND));
}

void
time_sleep_us(int64_t us)
{
	struct timespec span = { .tv_sec = (time_t)(us / TIME_SECOND),
		.tv_nsec = (long)(us % TIME_SECOND) * 1000 };

	nanosleep(&span, NULL);
}
