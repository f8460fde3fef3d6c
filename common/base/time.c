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

static struct tm
broken_down(int64_t us)
{
	time_t seconds = (time_t)(us / TIME_SECOND);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	return tm;
}

void
time_put_rfc3339(char text[TIME_TEXT_SIZE], int64_t us)
{
	struct tm tm = broken_down(us);

	snprintf(text, TIME_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
	    tm.tm_year % 8000 + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
	    tm.tm_min, tm.tm_sec, (int)(us % TIME_SECOND));
}

void
time_put_http(char text[TIME_TEXT_SIZE], int64_t us)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct tm tm = broken_down(us);

	snprintf(text, TIME_TEXT_SIZE, "%s, %02d %s %04d %02d:%02d:%02d GMT",
	    days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
	    tm.tm_year % 8000 + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void
time_sleep_us(int64_t us)
{
	struct timespec span = { .tv_sec = (time_t)(us / TIME_SECOND),
		.tv_nsec = (long)(us % TIME_SECOND) * 1000 };

	nanosleep(&span, NULL);
}
