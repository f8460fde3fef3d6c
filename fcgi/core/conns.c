#include "common/base/base.h"
#include "fcgi/core/conns.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "common/base/io.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/time.h"
#include "fcgi/core/fcgi_io.h"

/* of a web server that stopped in the middle of a request */
#define FULL_PAUSE_US 10000

/* what an event is about, in the lower half of its data */
#define TAG_LISTEN UINT32_MAX
#define TAG_TAKE   (UINT32_MAX - 1)
#define TAG_STOP   (UINT32_MAX - 2)

struct conns {
	pthread_mutex_t lock;
	struct conns_sockets sockets;
	int set_fd;
	int stop_fd; /* readable for ever once the worker drains */
	bool is_listening;
	bool is_draining;
	bool hands_over;
	size_t open_count;
	size_t parked_count;
	struct conn *items;
	struct conn *free_items;
	struct conn *newest; /* parked */
	struct conn *oldest;
};

static bool
watch(struct conns *conns, int operation, int fd, uint32_t events, uint32_t tag,
    uint32_t generation)
{
	struct epoll_event event = { .events = events,
		.data.u64 = (uint64_t)generation << 32 | tag };

	return epoll_ctl(conns->set_fd, operation, fd, &event) == 0;
}

static void
unwatch(struct conns *conns, int fd)
{
	epoll_ctl(conns->set_fd, EPOLL_CTL_DEL, fd, NULL);
}

/*
 * One worker is woken for a connection, and it takes all that wait. To add
 * the socket again reports what waits already.
 */
static void
listen_again(struct conns *conns)
{
	uint32_t events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLET;

	if (conns->is_listening || conns->is_draining)
		return;
	conns->is_listening =
	    watch(conns, EPOLL_CTL_ADD, conns->sockets.listen_fd, events,
		TAG_LISTEN, 0) &&
	    watch(conns, EPOLL_CTL_ADD, conns->sockets.take_fd, events,
		TAG_TAKE, 0);
	ASSERT(conns->is_listening);
}

static void
listen_no_more(struct conns *conns)
{
	if (!conns->is_listening)
		return;
	unwatch(conns, conns->sockets.listen_fd);
	unwatch(conns, conns->sockets.take_fd);
	conns->is_listening = false;
}

struct conns *
conns_new(const struct conns_sockets *sockets, size_t max)
{
	struct conns *conns = mem_new(sizeof(*conns));

	pthread_mutex_init(&conns->lock, NULL);
	conns->sockets = *sockets;
	conns->items = mem_array(max, sizeof(*conns->items));
	for (size_t i = max; i > 0; i--) {
		struct conn *conn = &conns->items[i - 1];

		*conn = (struct conn){ .fd = -1,
			.index = (uint32_t)(i - 1),
			.older = conns->free_items };
		conns->free_items = conn;
	}
	conns->set_fd = epoll_create1(EPOLL_CLOEXEC);
	conns->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT(conns->set_fd >= 0 && conns->stop_fd >= 0);
	ASSERT(
	    watch(conns, EPOLL_CTL_ADD, conns->stop_fd, EPOLLIN, TAG_STOP, 0));
	listen_again(conns);
	return conns;
}

void
conns_free(struct conns **conns)
{
	if (*conns == NULL)
		return;
	close((*conns)->set_fd);
	close((*conns)->stop_fd);
	pthread_mutex_destroy(&(*conns)->lock);
	mem_free(&(*conns)->items);
	mem_free(conns);
}

/* < 0: nothing has arrived; 0: the peer closed it */
static ssize_t
peek(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
}

/* from here on: with the lock held */

static void
unlink_parked(struct conns *conns, struct conn *conn)
{
	*(conn->newer != NULL ? &conn->newer->older : &conns->newest) =
	    conn->older;
	*(conn->older != NULL ? &conn->older->newer : &conns->oldest) =
	    conn->newer;
	conn->newer = conn->older = NULL;
	conn->is_parked = false;
	conns->parked_count--;
}

static void
link_parked(struct conns *conns, struct conn *conn)
{
	conn->older = conns->newest;
	if (conns->newest != NULL)
		conns->newest->newer = conn;
	conns->newest = conn;
	if (conns->oldest == NULL)
		conns->oldest = conn;
	conn->is_parked = true;
	conns->parked_count++;
}

/* the item of a connection that is closed, or somebody else's now */
static void
forget(struct conns *conns, struct conn *conn)
{
	conn->fd = -1;
	conn->is_watched = false;
	conn->generation++; /* events that are still under way are not its */
	conn->older = conns->free_items;
	conns->free_items = conn;
	conns->open_count--;
	listen_again(conns);
}

static void
close_conn(struct conns *conns, struct conn *conn)
{
	close(conn->fd);
	forget(conns, conn);
}

/*
 * Is there a place for one more? An idle connection can make it, but not one
 * whose request waits for a thread.
 */
static bool
has_room(const struct conns *conns)
{
	return conns->free_items != NULL ||
	    (conns->oldest != NULL && peek(conns->oldest->fd) < 0);
}

static struct conn *
adopt(struct conns *conns, int fd)
{
	struct conn *conn = conns->oldest;

	if (conns->free_items == NULL) {
		unlink_parked(conns, conn);
		close_conn(conns, conn);
	}
	conn = conns->free_items;
	conns->free_items = conn->older;
	conn->older = NULL;
	conn->fd = fd;
	conns->open_count++;
	return conn;
}

/* one-shot: it wakes one thread once */
static void
wait_for_request(struct conns *conns, struct conn *conn)
{
	int operation = conn->is_watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	link_parked(conns, conn);
	listen_again(conns); /* it could make room */
	conn->is_watched = watch(conns, operation, conn->fd,
	    EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, conn->index, conn->generation);
	if (!conn->is_watched) { /* out of memory for the set */
		unlink_parked(conns, conn);
		close_conn(conns, conn);
	}
}

/* to another worker of the pool, whoever takes it first */
static bool
send_conn(struct conns *conns, struct conn *conn, int flags)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	char byte = 'c';
	struct iovec part = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *item = CMSG_FIRSTHDR(&message);

	item->cmsg_level = SOL_SOCKET;
	item->cmsg_type = SCM_RIGHTS;
	item->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(item), &conn->fd, sizeof(conn->fd));
	if (sendmsg(conns->sockets.give_fd, &message, MSG_NOSIGNAL | flags) < 0)
		return false;
	/* the set would keep what another process still has open */
	if (conn->is_watched)
		unwatch(conns, conn->fd);
	close_conn(conns, conn);
	return true;
}

static void
dismiss(struct conns *conns, struct conn *conn)
{
	if (conns->hands_over && send_conn(conns, conn, 0))
		return;
	if (conns->hands_over)
		log_event(NULL, LOG_WARN, "connections_not_handed_over",
		    LOG_NUMBER("errno", errno));
	/* nobody takes them: close the others without waiting */
	conns->hands_over = false;
	close_conn(conns, conn);
}

/* -1: nobody waits; -2: no descriptor is left */
static int
accept_fd(struct conns *conns)
{
	struct timeval head = { .tv_sec = FCGI_IO_HEAD_S };
	struct timeval silence = { .tv_sec = FCGI_IO_SILENCE_S };
	int fd;

	do
		fd =
		    accept4(conns->sockets.listen_fd, NULL, NULL, SOCK_CLOEXEC);
	while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	if (fd < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			errno == ENOMEM
		    ? -2
		    : -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &head, sizeof(head));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof(silence));
	return fd;
}

/* as accept_fd() */
static int
receive_fd(struct conns *conns)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	char byte;
	struct iovec part = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *item;
	int fd = -2;

	if (recvmsg(conns->sockets.take_fd, &message, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	item = CMSG_FIRSTHDR(&message);
	if (item != NULL && item->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(item), sizeof(fd));
	return fd;
}

/* up to here: with the lock held */

/* lets requests end and give their descriptors back */
static void
pause_listening(struct conns *conns)
{
	pthread_mutex_lock(&conns->lock);
	log_event(NULL, LOG_WARN, "no_descriptor_left",
	    LOG_NUMBER("connections", conns->open_count));
	listen_no_more(conns);
	pthread_mutex_unlock(&conns->lock);
	time_sleep_us(FULL_PAUSE_US);
	pthread_mutex_lock(&conns->lock);
	listen_again(conns);
	pthread_mutex_unlock(&conns->lock);
}

/*
 * Takes all that wait at the socket and parks them but the last one, which
 * is the only one as a rule: if its request is there, it is served at once.
 */
static struct conn *
take_new(struct conns *conns, int (*next_fd)(struct conns *))
{
	struct conn *conn = NULL;
	int fd = -1;

	pthread_mutex_lock(&conns->lock);
	while (!conns->is_draining) {
		if (!has_room(conns)) {
			listen_no_more(conns);
			break;
		}
		fd = next_fd(conns);
		if (fd < 0)
			break;
		if (conn != NULL)
			wait_for_request(conns, conn);
		conn = adopt(conns, fd);
	}
	if (conn != NULL && peek(conn->fd) < 0) {
		wait_for_request(conns, conn);
		conn = NULL;
	}
	pthread_mutex_unlock(&conns->lock);
	if (fd == -2)
		pause_listening(conns);
	return conn;
}

static struct conn *
take_parked(struct conns *conns, const struct epoll_event *event)
{
	struct conn *conn = &conns->items[(uint32_t)event->data.u64];
	bool is_over = (event->events & ~(uint32_t)EPOLLIN) != 0;

	pthread_mutex_lock(&conns->lock);
	if (!conn->is_parked ||
	    conn->generation != (uint32_t)(event->data.u64 >> 32)) {
		conn = NULL;
	} else {
		unlink_parked(conns, conn);
		if (is_over && peek(conn->fd) <= 0) {
			close_conn(conns, conn);
			conn = NULL;
		}
	}
	pthread_mutex_unlock(&conns->lock);
	return conn;
}

static bool
is_done(struct conns *conns)
{
	bool done;

	pthread_mutex_lock(&conns->lock);
	done = conns->is_draining && conns->parked_count == 0;
	pthread_mutex_unlock(&conns->lock);
	return done;
}

struct conn *
conns_next(struct conns *conns)
{
	struct conn *conn = NULL;

	while (conn == NULL) {
		struct epoll_event event;

		if (epoll_wait(conns->set_fd, &event, 1, -1) != 1)
			continue;
		switch ((uint32_t)event.data.u64) {
		case TAG_LISTEN:
			conn = take_new(conns, accept_fd);
			break;
		case TAG_TAKE:
			conn = take_new(conns, receive_fd);
			break;
		case TAG_STOP:
			if (is_done(conns))
				return NULL;
			break;
		default:
			conn = take_parked(conns, &event);
			break;
		}
	}
	return conn;
}

void
conns_park(struct conns *conns, struct conn *conn)
{
	pthread_mutex_lock(&conns->lock);
	if (conns->is_draining)
		dismiss(conns, conn);
	else
		wait_for_request(conns, conn);
	pthread_mutex_unlock(&conns->lock);
}

void
conns_drop(struct conns *conns, struct conn *conn)
{
	pthread_mutex_lock(&conns->lock);
	forget(conns, conn);
	pthread_mutex_unlock(&conns->lock);
}

void
conns_share(struct conns *conns)
{
	struct conn *conn, *newer;
	bool taken;

	pthread_mutex_lock(&conns->lock);
	taken = !conns->is_draining;
	for (conn = conns->oldest; conn != NULL && taken; conn = newer) {
		newer = conn->newer;
		if (peek(conn->fd) <= 0)
			continue;
		unlink_parked(conns, conn);
		taken = send_conn(conns, conn, MSG_DONTWAIT);
		if (!taken)
			wait_for_request(conns, conn);
	}
	pthread_mutex_unlock(&conns->lock);
}

void
conns_drain(struct conns *conns, bool hand_over)
{
	uint64_t one = 1;
	struct conn *conn, *newer;
	int fd = 0;

	pthread_mutex_lock(&conns->lock);
	conns->is_draining = true;
	conns->hands_over = hand_over;
	listen_no_more(conns);
	/* this worker may have been woken for them, and then nobody else */
	while (fd >= 0 && has_room(conns)) {
		fd = receive_fd(conns);
		if (fd < 0)
			fd = accept_fd(conns);
		if (fd >= 0)
			wait_for_request(conns, adopt(conns, fd));
	}
	/* a program that starts next may find nobody behind its path */
	io_close(&conns->sockets.listen_fd);
	io_close(&conns->sockets.take_fd);
	for (conn = conns->oldest; conn != NULL; conn = newer) {
		newer = conn->newer;
		if (!hand_over && peek(conn->fd) > 0)
			continue; /* a request: its event is under way */
		unlink_parked(conns, conn);
		dismiss(conns, conn);
	}
	pthread_mutex_unlock(&conns->lock);
	ASSERT(write(conns->stop_fd, &one, sizeof(one)) == sizeof(one));
}
