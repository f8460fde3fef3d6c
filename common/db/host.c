/* The list of servers: "unix:/path" or "host:port", in order. */
#include "common/base/base.h"
#include "common/db/db_private.h"

#include "common/base/mem.h"
#include "common/base/num.h"

#define HOST_TEXT_MAX 300

static int
parse_one(const char *p, size_t n, struct host *out)
{
	char text[HOST_TEXT_MAX];
	char *colon;
	uint64_t port;

	while (n > 0 && *p == ' ') {
		p++;
		n--;
	}
	while (n > 0 && p[n - 1] == ' ')
		n--;
	if (n == 0 || n >= sizeof(text))
		return -1;
	memcpy(text, p, n);
	text[n] = '\0';
	*out = (struct host){ .socket = NULL };
	if (strncmp(text, "unix:/", 6) == 0) {
		out->socket = mem_strdup(text + 5);
		return 0;
	}
	colon = strrchr(text, ':');
	if (colon == NULL || colon == text ||
	    !num_parse_u64(colon + 1, strlen(colon + 1), 65535, &port) ||
	    port == 0)
		return -1;
	*colon = '\0';
	/* brackets of an IPv6 address */
	if (text[0] == '[' && colon[-1] == ']') {
		colon[-1] = '\0';
		out->name = mem_strdup(text + 1);
	} else {
		out->name = mem_strdup(text);
	}
	out->port = (unsigned)port;
	return 0;
}

int
host_parse_list(
    const char *text, struct host hosts[HOSTS_MAX], size_t *count_out)
{
	*count_out = 0;
	for (;;) {
		size_t n = strcspn(text, ",");

		if (*count_out == HOSTS_MAX ||
		    parse_one(text, n, &hosts[*count_out]) < 0) {
			host_free_list(hosts, *count_out);
			return -1;
		}
		(*count_out)++;
		if (text[n] == '\0')
			return 0;
		text += n + 1;
	}
}

void
host_free_list(struct host *hosts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		mem_free(&hosts[i].socket);
		mem_free(&hosts[i].name);
	}
}
