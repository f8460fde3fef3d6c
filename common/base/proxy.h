/*
 * Who the client really is: REMOTE_ADDR, or behind proxies that are trusted
 * by node.trusted_proxies the address that they name in X-Forwarded-For.
 */
#ifndef COMMON_BASE_PROXY_H
#define COMMON_BASE_PROXY_H

struct err;
struct pool;

#define PROXIES_MAX 64

struct proxy_network {
	unsigned char address[16]; /* IPv4 as ::ffff:a.b.c.d */
	unsigned prefix;	   /* in bits of the 128 */
};

struct proxy_list {
	struct proxy_network items[PROXIES_MAX];
	size_t count;
};

/* "10.0.0.0/8, ::1, 192.0.2.7"; E_INVALID names what is wrong. */
int proxy_parse(struct proxy_list *out, const char *text, struct err *err);

/*
 * The last address, from the right, that is no trusted proxy. Text that is
 * no address ends the walk: the proxy before it is taken. In pool memory.
 */
const char *proxy_client(const struct proxy_list *trusted, struct pool *pool,
    const char *remote, const char *forwarded_for);

#endif
