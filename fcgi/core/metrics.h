/*
 * Counters in memory shared by all processes of a program, mapped before the
 * first fork: adding is one atomic instruction, and /metrics of any worker
 * shows the sum (Prometheus text format 0.0.4). The HTTP metrics are the
 * core's; a component names further ones in a table and adds by index.
 */
#ifndef FCGI_CORE_METRICS_H
#define FCGI_CORE_METRICS_H

struct str;

enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	/* a counter that is kept elsewhere and set; missing before, since 0
	 * would read as a fall and a rise */
	METRIC_TOTAL,
	METRIC_SUMMARY, /* how often and how long: NAME_count, NAME_sum */
};

struct metric {
	const char *name;   /* "registry_upload_bytes_total" */
	const char *labels; /* "result=\"ok\"" or "" */
	const char *help;
	enum metric_type type;
};

/* index: position in the component's table. Any thread. */
void metric_add(size_t index, int64_t n);
void metric_set(size_t index, int64_t n);
/* Of a summary: what took this long, in microseconds; it shows seconds. */
void metric_observe(size_t index, int64_t us);

#endif
