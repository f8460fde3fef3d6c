#include "common/base/base.h"
#include "common/conf/conf_private.h"

#include "common/base/err.h"
#include "common/base/num.h"
#include "common/base/proxy.h"
#include "common/conf/conf.h"

#define HOST_MAX 253

/* Bytes of a host name, or of an address in brackets; 0: it is none. */
static size_t
host_length(const char *p)
{
	size_t n;

	if (p[0] == '[') {
		n = strspn(p + 1, "0123456789abcdefABCDEF:.");
		return n > 0 && p[n + 1] == ']' ? n + 2 : 0;
	}
	n = strspn(p,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789.-");
	return n <= HOST_MAX && p[0] != '.' && p[0] != '-' ? n : 0;
}

/* Nothing, or a colon and a number. */
static bool
is_port(const char *p)
{
	int64_t port;

	return p[0] == '\0' ||
	    (p[0] == ':' && num_parse_range(p + 1, 1, UINT16_MAX, &port));
}

/* What is behind the scheme, or NULL. */
static const char *
behind_scheme(const char *url)
{
	static const char *const schemes[] = { "https://", "http://" };

	for (size_t i = 0; i < COUNT_OF(schemes); i++)
		if (strncmp(url, schemes[i], strlen(schemes[i])) == 0)
			return url + strlen(schemes[i]);
	return NULL;
}

static int
check_external_url(const struct conf *conf, struct err *err)
{
	const char *host = behind_scheme(conf->external_url);
	size_t n = host != NULL ? host_length(host) : 0;

	if (n > 0 && is_port(host + n))
		return 0;
	return err_set(err, E_INVALID,
	    "%s: key \"node.external_url\" must be like "
	    "https://registry.example.com or https://10.0.0.1:5443, with "
	    "nothing behind it, not \"%.60s\"",
	    conf->file, conf->external_url);
}

/* The name of a blob's file is put behind it. */
static int
check_accel_prefix(const struct conf *conf, struct err *err)
{
	const char *prefix = conf->storage_accel_prefix;
	size_t n = strlen(prefix);

	if (n > 0 && prefix[0] == '/' && prefix[n - 1] == '/')
		return 0;
	return err_set(err, E_INVALID,
	    "%s: key \"storage.accel_prefix\" must begin and end with \"/\": "
	    "/_blobs/, not \"%.60s\"",
	    conf->file, prefix);
}

/* the limits of passwd_hash() */
static int
check_password_cost(const struct conf *conf, struct err *err)
{
	bool is_bcrypt = strcmp(conf->garant_password_method, "bcrypt") == 0;
	int64_t cost = conf->garant_password_cost;
	int64_t min = is_bcrypt ? 4 : 1;
	int64_t max = is_bcrypt ? 20 : 11;

	if (cost == 0 || (cost >= min && cost <= max))
		return 0;
	return err_set(err, E_INVALID,
	    "%s: key \"garant.password_cost\" must be 0, or from %" PRId64
	    " to %" PRId64 " for %s, not %" PRId64,
	    conf->file, min, max, conf->garant_password_method, cost);
}

/* the form that proxy.h reads */
static int
check_trusted_proxies(const struct conf *conf, struct err *err)
{
	struct proxy_list list;

	if (proxy_parse(&list, conf->trusted_proxies, err) == 0)
		return 0;
	return err_prefix(err, "%s", conf->file);
}

int
conf_check(const struct conf *conf, struct err *err)
{
	int rc = check_external_url(conf, err);

	if (rc == 0)
		rc = check_accel_prefix(conf, err);
	if (rc == 0)
		rc = check_password_cost(conf, err);
	if (rc == 0)
		rc = check_trusted_proxies(conf, err);
	return rc;
}

const char *
conf_service(const struct conf *conf)
{
	const char *service = behind_scheme(conf->external_url);

	ASSERT(service != NULL); /* conf_check() */
	return service;
}
