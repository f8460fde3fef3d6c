#include "common/base/base.h"
#include "tests/db/proxy.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/base/mem.h"
#include "common/base/time.h"
#include "tests/db/env.h"
#include "tests/unit/unit.h"

#define WAIT_US      (20 * TIME_SECOND)
#define LINKS_MAX    1024
#define PREPARED_MAX 256
#define LOG_SIZE     ((size_t)1 << 18)

enum command {
	COM_QUERY = 3,
	COM_STMT_PREPARE = 22,
	COM_STMT_EXECUTE = 23,
	COM_STMT_CLOSE = 25,
};

/* One connection of a client, and ours to the server. */
struct link {
	struct proxy *proxy;
	pthread_t thread;
	int client;
	int server;
	struct {
		uint32_t id;
		char *text;
	} prepared[PREPARED_MAX];
	size_t prepared_count;
	char *preparing; /* its answer has the id */
	bool cut_at_answer;
};

struct proxy {
	struct sockaddr_un address;
	struct sockaddr_un server;
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	bool is_closing;
	enum proxy_mode mode;
	int listener;
	struct link *links[LINKS_MAX];
	size_t link_count;
	unsigned links_taken;
	unsigned times; /* that the rule will still be used */
	enum proxy_act act;
	char words[128]; /* "": by number */
	unsigned skip;
	unsigned number;
	bool is_held;
	bool is_released;
	char log[LOG_SIZE];
	size_t log_used;
};

static struct sockaddr_un
address_of(const char *text)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	ASSERT(strncmp(text, "unix:", 5) == 0);
	ASSERT(strlen(text + 5) < sizeof(address.sun_path));
	memcpy(address.sun_path, text + 5, strlen(text + 5));
	return address;
}

static bool
is_match(const char *text, const char *words)
{
	if (words[0] == '*')
		return strstr(text, words + 1) != NULL;
	return strncmp(text, words, strlen(words)) == 0;
}

/* The lock is held. */
static bool
fits_rule(struct proxy *proxy, const char *text)
{
	if (proxy->times == 0)
		return false;
	if (proxy->words[0] != '\0')
		return is_match(text, proxy->words);
	if (proxy->skip == 0)
		return true;
	proxy->skip--;
	return false;
}

/* The lock is held. */
static void
remember(struct proxy *proxy, const char *text)
{
	size_t n = strlen(text);

	if (n + 2 > LOG_SIZE - proxy->log_used)
		return;
	memcpy(proxy->log + proxy->log_used, text, n);
	proxy->log_used += n;
	proxy->log[proxy->log_used++] = '\n';
	proxy->log[proxy->log_used] = '\0';
}

/* The lock is held. */
static void
hold(struct proxy *proxy)
{
	proxy->is_held = true;
	pthread_cond_broadcast(&proxy->changed);
	while (!proxy->is_released)
		pthread_cond_wait(&proxy->changed, &proxy->lock);
	proxy->is_held = false;
}

enum verdict {
	PASS,
	SWALLOW,
	CUT,
};

static bool send_all(int fd, const unsigned char *p, size_t n);

static void
send_error(struct link *link, unsigned number)
{
	unsigned char packet[] = "\x0e\0\0\x01\xff\0\0#HY000proxy";

	packet[5] = (unsigned char)(number & 0xff);
	packet[6] = (unsigned char)(number >> 8);
	send_all(link->client, packet, sizeof(packet) - 1);
}

static bool read_all(int fd, unsigned char *p, size_t n);

static void
roll_back(struct link *link)
{
	static const unsigned char packet[] = "\x09\0\0\0\x03ROLLBACK";
	unsigned char head[4], answer[256];

	send_all(link->server, packet, sizeof(packet) - 1);
	assert_true(read_all(link->server, head, sizeof(head)));
	assert_true(head[0] < sizeof(answer) && head[1] == 0);
	assert_true(read_all(link->server, answer, head[0]));
}

static enum verdict
judge(struct link *link, const char *text)
{
	struct proxy *proxy = link->proxy;
	enum verdict verdict = PASS;

	pthread_mutex_lock(&proxy->lock);
	remember(proxy, text);
	if (fits_rule(proxy, text)) {
		proxy->times--;
		switch (proxy->act) {
		case PROXY_CUT_BEFORE:
			verdict = CUT;
			break;
		case PROXY_CUT_AFTER:
			link->cut_at_answer = true;
			break;
		case PROXY_CUT_LATE:
			link->cut_at_answer = true;
			shutdown(link->client, SHUT_RDWR);
			hold(proxy);
			break;
		case PROXY_HOLD:
			hold(proxy);
			verdict = proxy->is_closing ? CUT : PASS;
			break;
		case PROXY_ANSWER:
			send_error(link, proxy->number);
			verdict = SWALLOW;
			break;
		case PROXY_ROLL_BACK:
			roll_back(link);
			break;
		}
	}
	pthread_mutex_unlock(&proxy->lock);
	return verdict;
}

/* the rule for what is executed otherwise */
static void
judge_preparation(struct link *link, const char *text)
{
	struct proxy *proxy = link->proxy;

	pthread_mutex_lock(&proxy->lock);
	if (proxy->act == PROXY_ROLL_BACK && fits_rule(proxy, text)) {
		proxy->times--;
		roll_back(link);
	}
	pthread_mutex_unlock(&proxy->lock);
}

static uint32_t
number_at(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

static const char *
prepared_text(const struct link *link, const unsigned char *payload, size_t n)
{
	uint32_t id = n >= 5 ? number_at(payload + 1) : 0;

	/* the library's word for the last one prepared */
	if (id == UINT32_MAX && link->prepared_count > 0)
		return link->prepared[link->prepared_count - 1].text;
	for (size_t i = link->prepared_count; i-- > 0;)
		if (link->prepared[i].id == id)
			return link->prepared[i].text;
	return "unknown statement";
}

static enum verdict
on_command(struct link *link, const unsigned char *payload, size_t n)
{
	char text[64];
	enum verdict verdict;
	char *query;

	switch ((enum command)payload[0]) {
	case COM_QUERY:
		query = mem_new(n);
		memcpy(query, payload + 1, n - 1);
		verdict = judge(link, query);
		mem_free(&query);
		return verdict;
	case COM_STMT_PREPARE:
		mem_free(&link->preparing);
		link->preparing = mem_new(n);
		memcpy(link->preparing, payload + 1, n - 1);
		judge_preparation(link, link->preparing);
		return PASS;
	case COM_STMT_EXECUTE:
		return judge(link, prepared_text(link, payload, n));
	case COM_STMT_CLOSE:
		return PASS;
	}
	snprintf(text, sizeof(text), "command %d", payload[0]);
	return judge(link, text);
}

/* The library waits for the answer, so it comes alone and whole. */
static void
on_prepared(struct link *link, const unsigned char *p, size_t n)
{
	if (n >= 9 && p[4] == 0 && link->prepared_count < PREPARED_MAX) {
		link->prepared[link->prepared_count].id = number_at(p + 5);
		link->prepared[link->prepared_count].text = link->preparing;
		link->prepared_count++;
		link->preparing = NULL;
	}
	mem_free(&link->preparing);
}

static bool
read_all(int fd, unsigned char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = read(fd, p, n);

		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

static bool
send_all(int fd, const unsigned char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = send(fd, p, n, MSG_NOSIGNAL);

		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

/* One packet: 3 bytes of length, its number (0 begins a command), bytes. */
static bool
from_client(struct link *link)
{
	unsigned char head[4];
	unsigned char *packet;
	enum verdict verdict = PASS;
	size_t n;
	bool good;

	if (!read_all(link->client, head, sizeof(head)))
		return false;
	n = (size_t)head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16;
	packet = mem_new(sizeof(head) + n);
	memcpy(packet, head, sizeof(head));
	good = read_all(link->client, packet + sizeof(head), n);
	if (good && head[3] == 0 && n > 0)
		verdict = on_command(link, packet + sizeof(head), n);
	if (good && verdict == PASS)
		good = send_all(link->server, packet, sizeof(head) + n);
	mem_free(&packet);
	return good && verdict != CUT;
}

static bool
from_server(struct link *link)
{
	unsigned char bytes[16384];
	ssize_t n = read(link->server, bytes, sizeof(bytes));

	if (n <= 0 || link->cut_at_answer)
		return false;
	if (link->preparing != NULL)
		on_prepared(link, bytes, (size_t)n);
	return send_all(link->client, bytes, (size_t)n);
}

static bool
is_silent(struct proxy *proxy)
{
	bool silent;

	pthread_mutex_lock(&proxy->lock);
	silent = proxy->mode == PROXY_SILENT;
	pthread_mutex_unlock(&proxy->lock);
	return silent;
}

static void
pass_on(struct link *link)
{
	struct pollfd fds[2] = {
		{ .fd = link->client, .events = POLLIN },
		{ .fd = link->server, .events = POLLIN },
	};

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			return;
		if (fds[1].revents != 0 && !from_server(link))
			return;
		if (fds[0].revents != 0 && !from_client(link))
			return;
	}
}

static void *
serve(void *context)
{
	struct link *link = context;
	unsigned char byte;

	if (is_silent(link->proxy)) {
		/* until the client gives up, or we do */
		while (read(link->client, &byte, 1) > 0)
			continue;
	} else if (connect(link->server,
		       (const struct sockaddr *)&link->proxy->server,
		       sizeof(link->proxy->server)) == 0) {
		pass_on(link);
	}
	shutdown(link->client, SHUT_RDWR);
	shutdown(link->server, SHUT_RDWR);
	return NULL;
}

static void
free_link(struct link *link)
{
	shutdown(link->client, SHUT_RDWR);
	shutdown(link->server, SHUT_RDWR);
	pthread_join(link->thread, NULL);
	close(link->client);
	close(link->server);
	for (size_t i = 0; i < link->prepared_count; i++)
		mem_free(&link->prepared[i].text);
	mem_free(&link->preparing);
	mem_free(&link);
}

static void
add_link(struct proxy *proxy, int client)
{
	struct link *link = mem_new(sizeof(*link));

	link->proxy = proxy;
	link->client = client;
	link->server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT(link->server >= 0);
	ASSERT(pthread_create(&link->thread, NULL, serve, link) == 0);
	pthread_mutex_lock(&proxy->lock);
	ASSERT(proxy->link_count < LINKS_MAX);
	proxy->links[proxy->link_count++] = link;
	proxy->links_taken++;
	pthread_mutex_unlock(&proxy->lock);
}

/* The thread that waits for clients; ended by closing the listener. */
static void *
wait_for_clients(void *context)
{
	struct proxy *proxy = context;

	for (;;) {
		int client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);

		if (client < 0)
			return NULL;
		add_link(proxy, client);
	}
}

static void
open_listener(struct proxy *proxy)
{
	unlink(proxy->address.sun_path);
	proxy->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT(proxy->listener >= 0);
	ASSERT(bind(proxy->listener, (const struct sockaddr *)&proxy->address,
		   sizeof(proxy->address)) == 0);
	ASSERT(listen(proxy->listener, LINKS_MAX) == 0);
	ASSERT(
	    pthread_create(&proxy->thread, NULL, wait_for_clients, proxy) == 0);
}

static void
close_listener(struct proxy *proxy)
{
	/* what is held is cut with its connection */
	pthread_mutex_lock(&proxy->lock);
	proxy->is_released = proxy->is_closing = true;
	pthread_cond_broadcast(&proxy->changed);
	pthread_mutex_unlock(&proxy->lock);
	shutdown(proxy->listener, SHUT_RDWR);
	pthread_join(proxy->thread, NULL);
	close(proxy->listener);
	unlink(proxy->address.sun_path);
	proxy->listener = -1;
	for (size_t i = 0; i < proxy->link_count; i++)
		free_link(proxy->links[i]);
	proxy->link_count = 0;
	proxy->is_closing = false;
}

struct proxy *
proxy_start(const char *address, const char *server)
{
	struct proxy *proxy = mem_new(sizeof(*proxy));

	proxy->address = address_of(address);
	proxy->server = address_of(server);
	pthread_mutex_init(&proxy->lock, NULL);
	pthread_cond_init(&proxy->changed, NULL);
	open_listener(proxy);
	return proxy;
}

void
proxy_stop(struct proxy **proxy)
{
	if (*proxy == NULL)
		return;
	if ((*proxy)->listener >= 0)
		close_listener(*proxy);
	pthread_cond_destroy(&(*proxy)->changed);
	pthread_mutex_destroy(&(*proxy)->lock);
	mem_free(proxy);
}

void
proxy_mode(struct proxy *proxy, enum proxy_mode mode)
{
	if (mode == PROXY_REFUSES && proxy->listener >= 0)
		close_listener(proxy);
	pthread_mutex_lock(&proxy->lock);
	proxy->mode = mode;
	pthread_mutex_unlock(&proxy->lock);
	if (mode != PROXY_REFUSES && proxy->listener < 0)
		open_listener(proxy);
}

static void
set_rule(
    struct proxy *proxy, enum proxy_act act, const char *words, unsigned skip)
{
	pthread_mutex_lock(&proxy->lock);
	proxy->times = 1;
	proxy->is_held = proxy->is_released = false;
	proxy->act = act;
	proxy->skip = skip;
	snprintf(proxy->words, sizeof(proxy->words), "%s", words);
	pthread_mutex_unlock(&proxy->lock);
}

void
proxy_rule(struct proxy *proxy, enum proxy_act act, const char *words)
{
	ASSERT(words[0] != '\0');
	set_rule(proxy, act, words, 0);
}

void
proxy_rule_after(struct proxy *proxy, enum proxy_act act, unsigned commands)
{
	set_rule(proxy, act, "", commands);
}

void
proxy_answer(
    struct proxy *proxy, unsigned number, const char *words, unsigned times)
{
	set_rule(proxy, PROXY_ANSWER, words, 0);
	pthread_mutex_lock(&proxy->lock);
	proxy->number = number;
	proxy->times = times;
	pthread_mutex_unlock(&proxy->lock);
}

unsigned
proxy_links(struct proxy *proxy)
{
	unsigned links;

	pthread_mutex_lock(&proxy->lock);
	links = proxy->links_taken;
	pthread_mutex_unlock(&proxy->lock);
	return links;
}

bool
proxy_is_used(struct proxy *proxy)
{
	bool is_used;

	pthread_mutex_lock(&proxy->lock);
	is_used = proxy->times == 0;
	pthread_mutex_unlock(&proxy->lock);
	return is_used;
}

void
proxy_wait_held(struct proxy *proxy)
{
	int64_t until = time_monotonic_us() + WAIT_US;
	bool is_held = false;

	while (!is_held) {
		pthread_mutex_lock(&proxy->lock);
		is_held = proxy->is_held;
		pthread_mutex_unlock(&proxy->lock);
		if (time_monotonic_us() > until)
			fail_msg("no command \"%s\" came", proxy->words);
		if (!is_held)
			time_sleep_us(1000);
	}
}

void
proxy_release(struct proxy *proxy)
{
	pthread_mutex_lock(&proxy->lock);
	proxy->is_released = true;
	pthread_cond_broadcast(&proxy->changed);
	pthread_mutex_unlock(&proxy->lock);
}

const char *
proxy_log(struct proxy *proxy)
{
	const char *copy;

	pthread_mutex_lock(&proxy->lock);
	copy = pool_strdup(env.pool, proxy->log);
	pthread_mutex_unlock(&proxy->lock);
	return copy;
}

unsigned
proxy_count(struct proxy *proxy, const char *words)
{
	char *log = pool_strdup(env.pool, proxy_log(proxy));
	unsigned count = 0;

	while (*log != '\0') {
		char *end = strchr(log, '\n');

		*end = '\0';
		count += is_match(log, words);
		log = end + 1;
	}
	return count;
}

void
proxy_clear(struct proxy *proxy)
{
	pthread_mutex_lock(&proxy->lock);
	proxy->log_used = 0;
	proxy->log[0] = '\0';
	pthread_mutex_unlock(&proxy->lock);
}
