/* systemd's notification protocol, sd_notify(3): one datagram. */
#ifndef FCGI_CORE_NOTIFY_H
#define FCGI_CORE_NOTIFY_H

/* "READY=1", "RELOADING=1", "STOPPING=1"; nothing without NOTIFY_SOCKET. */
void notify_state(const char *state);

#endif
