#include "common/base/base.h"
#include "cli/hosts.h"

#include "common/base/pool.h"

const char *
hosts_of_url(struct pool *pool, const char *url)
{
	const char *host = strstr(url, "://");
	size_t n;

	if (host == NULL)
		return NULL;
	host += 3;
	if (host[0] == '[') {
		host++;
		n = strcspn(host, "]");
		if (host[n] != ']')
			return NULL;
	} else {
		n = strcspn(host, ":/?#");
	}
	return n == 0 ? NULL : pool_memdup(pool, host, n);
}

const char *
hosts_item(struct pool *pool, const char *list, size_t i)
{
	size_t n;

	for (;; list += n + 1) {
		n = strcspn(list, ",");
		if (i == 0)
			break;
		i--;
		if (list[n] == '\0')
			return NULL;
	}
	while (n > 0 && (*list == ' ' || *list == '\t')) {
		list++;
		n--;
	}
	while (n > 0 && (list[n - 1] == ' ' || list[n - 1] == '\t'))
		n--;
	return pool_memdup(pool, list, n);
}

/* Is it host, alone or with a port behind it? */
static bool
is_host(const char *entry, const char *host)
{
	size_t n = strlen(host);

	return strncmp(entry, host, n) == 0 &&
	    (entry[n] == '\0' || entry[n] == ':');
}

bool
hosts_is_local(const char *entry)
{
	return strncmp(entry, "unix:", 5) == 0 || is_host(entry, "localhost") ||
	    is_host(entry, "[::1]") || strcmp(entry, "::1") == 0 ||
	    (strncmp(entry, "127.", 4) == 0 &&
		strspn(entry, "0123456789.:") == strlen(entry));
}

bool
hosts_are_local(struct pool *pool, const char *list)
{
	const char *entry;

	for (size_t i = 0; (entry = hosts_item(pool, list, i)) != NULL; i++)
		if (!hosts_is_local(entry))
			return false;
	return true;
}
