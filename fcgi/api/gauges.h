/* Metrics of what only the database knows: the backlog, the cluster. */
#ifndef FCGI_API_GAUGES_H
#define FCGI_API_GAUGES_H

/* From the thread that ticks about once a second: looks now and then. */
void gauges_tick(void);

#endif
