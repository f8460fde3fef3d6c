/* The list of servers, in order of preference. */
#include "common/base/base.h"
#include "common/db/db_private.h"

#include "common/base/err.h"
#include "common/base/num.h"
#include "common/base/pool.h"
#include "common/base/time.h"

#define DEFAULT_PORT    3306
#define HOST_TEXT_MAX   255
#define LIST_MEMORY     ((size_t)1 << 20)
#define SOCKET_TEXT_MAX 107 /* of sockaddr_un */

#define BAD_US (5 * TIME_SECOND)
/* when no host is good: one look at each in this time */
#define LOOK_US (TIME_SECOND / 5)

/* text is "name", "name:port", "[address]" or "[address]:port" */
static bool
parse_tcp(struct host *out, char *text)
{
	bool is_address = text[0] == '[';
	char *name = is_address ? text + 1 : text;
	char *rest = name + strcspn(name, is_address ? "]" : ":");
	uint64_t port = DEFAULT_PORT;

	if (is_address && *rest == ']')
		*rest++ = '\0';
	else if (is_address)
		return false;
	if (*rest == ':') {
		*rest++ = '\0';
		if (!num_parse_u64(rest, strlen(rest), 65535, &port) ||
		    port == 0)
			return false;
	} else if (*rest != '\0') {
		return false;
	}
	out->name = name;
	out->port = (unsigned)port;
	return name[0] != '\0' && strlen(name) <= HOST_TEXT_MAX &&
	    strpbrk(name, " \t/[]") == NULL;
}

static bool
parse_one(struct host *out, char *text)
{
	if (strncmp(text, "unix:", 5) != 0)
		return parse_tcp(out, text);
	out->socket = text + 5;
	return out->socket[0] == '/' && strlen(out->socket) <= SOCKET_TEXT_MAX;
}

int
db_check_hosts(const char *list, struct err *err)
{
	struct pool *pool = pool_new(LIST_MEMORY);
	struct hosts hosts;
	int rc = hosts_parse(&hosts, pool, list, err);

	pool_free(&pool);
	return rc;
}

int
hosts_parse(
    struct hosts *out, struct pool *pool, const char *list, struct err *err)
{
	out->count = 0;
	for (;;) {
		size_t n = strcspn(list, ",");
		const char *start = list + strspn(list, " \t");
		const char *end = list + n;
		struct host *host = &out->items[out->count];

		if (out->count == HOSTS_MAX)
			return err_set(err, E_INVALID,
			    "more than %d database hosts", HOSTS_MAX);
		if (start > end)
			start = end;
		while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
		*host = (struct host){ .label = pool_memdup(pool, start,
					   (size_t)(end - start)) };
		if (!parse_one(host, pool_strdup(pool, host->label)))
			return err_set(err, E_INVALID,
			    "database host \"%.120s\" is not of the form "
			    "unix:/path or name:port",
			    host->label);
		out->count++;
		if (list[n] == '\0')
			return 0;
		list += n + 1;
	}
}

size_t
hosts_pick(struct hosts *hosts, size_t below, unsigned tried, int64_t now_us)
{
	bool all_bad = below == hosts->count;

	for (size_t i = 0; i < below; i++) {
		struct host *host = &hosts->items[i];

		if ((tried & 1U << i) != 0)
			continue;
		if (host->bad_until_us > now_us)
			continue;
		/* it was bad: only this caller finds out how it is now */
		if (host->bad_until_us != 0)
			host->bad_until_us = now_us + BAD_US;
		return i;
	}
	for (size_t i = 0; all_bad && i < below; i++) {
		struct host *host = &hosts->items[i];

		if ((tried & 1U << i) != 0 ||
		    host->failed_us + LOOK_US > now_us)
			continue;
		host->failed_us = now_us;
		return i;
	}
	return HOSTS_NONE;
}

unsigned
hosts_bad(const struct hosts *hosts)
{
	unsigned bad = 0;

	for (size_t i = 0; i < hosts->count; i++)
		if (hosts->items[i].bad_until_us != 0)
			bad |= 1U << i;
	return bad;
}

void
hosts_set_bad(struct hosts *hosts, size_t i, int64_t now_us)
{
	hosts->items[i].bad_until_us = now_us + BAD_US;
	hosts->items[i].failed_us = now_us;
}

void
hosts_set_good(struct hosts *hosts, size_t i)
{
	hosts->items[i].bad_until_us = 0;
}
