#include "common/base/base.h"
#include "common/base/proxy.h"

#include <arpa/inet.h>

#include "common/base/err.h"
#include "common/base/num.h"
#include "common/base/pool.h"

#define TEXT_MAX 64

static bool
parse_address(const char *text, unsigned char out[16], bool *is_ipv4)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	*is_ipv4 = inet_pton(AF_INET, text, out + 12) == 1;
	if (*is_ipv4)
		memcpy(out, mapped, sizeof(mapped));
	return *is_ipv4 || inet_pton(AF_INET6, text, out) == 1;
}

static bool
parse_network(char *text, struct proxy_network *out)
{
	char *slash = strchr(text, '/');
	uint64_t prefix;
	bool is_ipv4;

	if (slash != NULL)
		*slash++ = '\0';
	if (!parse_address(text, out->address, &is_ipv4))
		return false;
	out->prefix = 128;
	if (slash == NULL)
		return true;
	if (!num_parse_u64(slash, strlen(slash), is_ipv4 ? 32 : 128, &prefix))
		return false;
	out->prefix = (unsigned)prefix + (is_ipv4 ? 96 : 0);
	return true;
}

/* the item between commas at p, without blanks; false if it is too long */
static bool
take_item(const char *p, size_t n, char out[TEXT_MAX])
{
	while (n > 0 && (p[0] == ' ' || p[0] == '\t')) {
		p++;
		n--;
	}
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	if (n >= TEXT_MAX)
		return false;
	memcpy(out, p, n);
	out[n] = '\0';
	return true;
}

int
proxy_parse(struct proxy_list *out, const char *text, struct err *err)
{
	out->count = 0;
	while (*text != '\0') {
		size_t n = strcspn(text, ",");
		char item[TEXT_MAX];

		if (out->count == PROXIES_MAX)
			return err_set(err, E_INVALID,
			    "node.trusted_proxies has more than %d items",
			    PROXIES_MAX);
		if (!take_item(text, n, item) ||
		    !parse_network(item, &out->items[out->count]))
			return err_set(err, E_INVALID,
			    "node.trusted_proxies: \"%.*s\" is not an "
			    "address or network",
			    (int)(n > 60 ? 60 : n), text);
		out->count++;
		text += n + (text[n] == ',');
	}
	return 0;
}

static bool
is_in(const struct proxy_network *network, const unsigned char address[16])
{
	unsigned whole = network->prefix / 8, bits = network->prefix % 8;
	unsigned mask = 0xff00U >> bits & 0xff;

	if (memcmp(network->address, address, whole) != 0)
		return false;
	return bits == 0 ||
	    ((network->address[whole] ^ address[whole]) & mask) == 0;
}

static bool
is_trusted(const struct proxy_list *trusted, const char *text)
{
	unsigned char address[16];
	bool is_ipv4;

	if (!parse_address(text, address, &is_ipv4))
		return false;
	for (size_t i = 0; i < trusted->count; i++)
		if (is_in(&trusted->items[i], address))
			return true;
	return false;
}

const char *
proxy_client(const struct proxy_list *trusted, struct pool *pool,
    const char *remote, const char *forwarded_for)
{
	const char *client = remote != NULL ? remote : "";
	size_t end = forwarded_for != NULL ? strlen(forwarded_for) : 0;

	while (end > 0 && is_trusted(trusted, client)) {
		size_t from = end;
		unsigned char address[16];
		char item[TEXT_MAX];
		bool is_ipv4;

		while (from > 0 && forwarded_for[from - 1] != ',')
			from--;
		if (!take_item(forwarded_for + from, end - from, item) ||
		    !parse_address(item, address, &is_ipv4))
			break;
		client = pool_strdup(pool, item);
		end = from > 0 ? from - 1 : 0;
	}
	return client;
}
