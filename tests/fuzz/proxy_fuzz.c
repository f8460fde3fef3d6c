/*
 * Who the client is: an input is the list of trusted proxies, a newline,
 * REMOTE_ADDR, a newline and X-Forwarded-For. Nobody but a trusted proxy is
 * believed, and nothing that a client writes itself.
 */
#include "common/base/base.h"
#include "tests/fuzz/fuzz.h"

#include <arpa/inet.h>

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/proxy.h"
#include "common/base/str.h"

#define LIST_MAX ((size_t)PROXIES_MAX * 64)

static bool
parse_address(const char *text, unsigned char out[16])
{
	struct in_addr ipv4;

	if (inet_pton(AF_INET6, text, out) == 1)
		return true;
	if (inet_pton(AF_INET, text, &ipv4) != 1)
		return false;
	memset(out, 0, 10);
	memset(out + 10, 0xff, 2);
	memcpy(out + 12, &ipv4, 4);
	return true;
}

/* bit by bit */
static bool
is_in(const struct proxy_network *network, const unsigned char address[16])
{
	for (unsigned i = 0; i < network->prefix; i++) {
		unsigned differ = network->address[i / 8] ^ address[i / 8];

		if ((differ >> (7 - i % 8) & 1) != 0)
			return false;
	}
	return true;
}

static bool
is_trusted(const struct proxy_list *list, const char *text)
{
	unsigned char address[16];

	if (!parse_address(text, address))
		return false;
	for (size_t i = 0; i < list->count; i++)
		if (is_in(&list->items[i], address))
			return true;
	return false;
}

static void
put_address(char out[INET6_ADDRSTRLEN], const struct proxy_network *network)
{
	ASSERT(inet_ntop(AF_INET6, network->address, out, INET6_ADDRSTRLEN) !=
	    NULL);
}

/* networks of IPv4 have no other addresses */
static void
check_ipv4(const struct proxy_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		ASSERT(list->items[i].prefix >= 96);
}

/* written down with all their bits, they are the same networks */
static void
check_list(struct pool *pool, const struct proxy_list *list)
{
	struct proxy_list again;
	struct str text;
	struct err err;

	str_init(&text, pool, LIST_MAX);
	for (size_t i = 0; i < list->count; i++) {
		char address[INET6_ADDRSTRLEN];

		ASSERT(list->items[i].prefix <= 128);
		put_address(address, &list->items[i]);
		str_printf(&text, "%s%s/%u", i > 0 ? ", " : "", address,
		    list->items[i].prefix);
		ASSERT(is_trusted(list, address));
	}
	ASSERT(!str_is_full(&text));
	ASSERT(proxy_parse(&again, text.p, &err) == 0);
	ASSERT(again.count == list->count);
	for (size_t i = 0; i < list->count; i++) {
		ASSERT(again.items[i].prefix == list->items[i].prefix);
		ASSERT(memcmp(again.items[i].address, list->items[i].address,
			   16) == 0);
	}
}

/* one more proxy of ours before us changes nothing */
static void
check_longer_way(const struct proxy_list *list, struct pool *pool,
    const char *remote, const char *forwarded, const char *client)
{
	unsigned char ignored[16];
	char proxy[INET6_ADDRSTRLEN];
	const char *longer = pool_printf(pool, "%s%s%s", forwarded,
	    forwarded[0] != '\0' ? ", " : "", remote);

	if (!parse_address(remote, ignored))
		return;
	for (size_t i = 0; i < list->count; i++) {
		put_address(proxy, &list->items[i]);
		ASSERT(strcmp(proxy_client(list, pool, proxy, longer),
			   client) == 0);
	}
}

static void
check_client(const struct proxy_list *list, struct pool *pool,
    const char *remote, const char *forwarded)
{
	const char *client = proxy_client(list, pool, remote, forwarded);
	const char *spoofed;
	unsigned char ignored[16];

	if (!is_trusted(list, remote) || forwarded[0] == '\0')
		ASSERT(strcmp(client, remote) == 0);
	if (is_trusted(list, remote))
		ASSERT(strcmp(proxy_client(list, pool, remote, "192.0.2.1"),
			   "192.0.2.1") == 0);
	if (strcmp(client, remote) != 0) {
		ASSERT(parse_address(client, ignored));
		ASSERT(strstr(forwarded, client) != NULL);
	}
	check_longer_way(list, pool, remote, forwarded, client);
	/* what a client writes itself stands to the left */
	spoofed = proxy_client(
	    list, pool, remote, pool_printf(pool, "192.0.2.1, ,%s", forwarded));
	ASSERT(strcmp(spoofed, client) == 0);
	spoofed = proxy_client(
	    list, pool, remote, pool_printf(pool, "192.0.2.1,%s", forwarded));
	if (!is_trusted(list, client))
		ASSERT(strcmp(spoofed, client) == 0);
	else
		ASSERT(strcmp(spoofed, client) == 0 ||
		    strcmp(spoofed, "192.0.2.1") == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pool *pool = pool_new((size_t)64 << 20);
	char *text = pool_memdup(pool, data, n);
	char *remote = strchrnul(text, '\n'), *forwarded;
	struct proxy_list list;
	struct err err;

	if (*remote != '\0')
		*remote++ = '\0';
	forwarded = strchrnul(remote, '\n');
	if (*forwarded != '\0')
		*forwarded++ = '\0';
	if (proxy_parse(&list, text, &err) == 0)
		check_list(pool, &list);
	else
		ASSERT(err.code == E_INVALID &&
		    strstr(err.text, "node.trusted_proxies") != NULL);
	ASSERT(list.count <= PROXIES_MAX);
	if (strchr(text, ':') == NULL)
		check_ipv4(&list);
	check_client(&list, pool, remote, forwarded);
	pool_free(&pool);
	return 0;
}
