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

/* the year as a number that the compiler, too, sees to have four digits */
static struct tm
broken_down(int64_t us, unsigned *year_out)
{
	time_t seconds = (time_t)(us / TIME_SECOND);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	*year_out = (unsigned)(tm.tm_year + 1900) % 10000;
	return tm;
}

void
time_put_rfc3339(char text[TIME_TEXT_SIZE], int64_t us)
{
	unsigned year;
	struct tm tm;

	us = writable(us);
	tm = broken_down(us, &year);
	snprintf(text, TIME_TEXT_SIZE, "%04u-%02d-%02dT%02d:%02d:%02d.%06dZ",
	    year, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    (int)(us % TIME_SECOND));
}

void
time_put_http(char text[TIME_TEXT_SIZE], int64_t us)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	unsigned year;
	struct tm tm = broken_down(writable(us), &year);

	snprintf(text, TIME_TEXT_SIZE, "%s, %02d %s %04u %02d:%02d:%02d GMT",
	    days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], year, tm.tm_hour,
	    tm.tm_min, tm.tm_sec);
}

void
time_sleep_us(int64_t us)
{
	struct timespec span = { .tv_sec = (time_t)(us / TIME_SECOND),
		.tv_nsec = (long)(us % TIME_SECOND) * 1000 };

	nanosleep(&span, NULL);
}
