/*
 * Clocks and dates. Wall time is microseconds since 1970 UTC, spans are
 * measured on the monotonic clock in microseconds.
 */
#ifndef COMMON_BASE_TIME_H
#define COMMON_BASE_TIME_H

#define TIME_TEXT_SIZE 40
#define TIME_SECOND INT64_C(1000000) /* in microseconds */

int64_t time_now_us(void);
int64_t time_now_s(void);
int64_t time_monotonic_us(void);

/*
 * "2026-01-02T03:04:05.678901Z" (RFC 3339, UTC). The year has four digits: a
 * time before 1970 or after 9999 is written as the first or the last one
 * between.
 */
void time_put_rfc3339(char text[TIME_TEXT_SIZE], int64_t us);

/* Sleeps us microseconds, less if a signal comes. */
void time_sleep_us(int64_t us);

#endif
