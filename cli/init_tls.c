/* dtr init: certificates for the web server */
#include "common/base/base.h"
#include "cli/init.h"

#include "cli/hosts.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/pool.h"
#include "common/crypt/key.h"
#include "common/crypt/x509.h"

#define AUTHORITY_DAYS  3650
#define SERVER_DAYS     825 /* the most that some clients accept */
#define NAMES_MAX       64
#define NAMES_ALWAYS    4 /* of collect_names() */
#define COMMON_NAME_MAX 64 /* of X.509 */
#define PEM_MAX         ((size_t)64 << 10)

struct authority {
	struct key *key;
	const char *certificate;
};

/* A host name with an optional wildcard, or an address. */
static bool
is_tls_name(const char *name)
{
	static const char characters[] = "abcdefghijklmnopqrstuvwxyz"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789.:-*";
	size_t n = strlen(name);

	return n > 0 && n <= 253 && strspn(name, characters) == n;
}

int
init_tls_check_names(struct init *init, struct err *err)
{
	const char *name;

	for (size_t i = 0;
	     (name = cli_option_at(init->cli, "tls-name", i)) != NULL; i++) {
		if (i == NAMES_MAX - NAMES_ALWAYS)
			return cli_usage(
			    err, "more than %zu times --tls-name", i);
		if (!is_tls_name(name))
			return cli_usage(err,
			    "--tls-name \"%s\" is not a host name or address",
			    cli_printable(init->cli->pool, name));
	}
	return 0;
}

static bool
file_is_there(const char *file)
{
	return access(file, F_OK) == 0;
}

static int
write_pem(const char *file, const char *pem, mode_t mode, struct err *err)
{
	return io_write_file(file, pem, strlen(pem), mode, err);
}

/* Writes the key first: a certificate without its key would count as done. */
static int
write_pair(struct init *init, const struct key *key, const char *certificate,
    const char *key_file, const char *certificate_file, struct err *err)
{
	char *pem;
	int rc = x509_key_pem(init->cli->pool, key, &pem, err);

	if (rc == 0)
		rc = write_pem(key_file, pem, 0600, err);
	if (rc == 0)
		rc = write_pem(certificate_file, certificate, 0644, err);
	return rc;
}

static int
load_key(struct init *init, const char *file, struct key **out, struct err *err)
{
	char *pem;
	int rc = io_read_secret(init->cli->pool, file, &pem, err);

	if (rc == 0 && x509_parse_key_pem(pem, out, err) < 0)
		return err_prefix(err, "\"%s\"", file);
	return rc;
}

static int
load_authority(struct init *init, const char *key_file,
    const char *certificate_file, struct authority *out, struct err *err)
{
	char *certificate;
	int rc;

	if (!file_is_there(key_file))
		return err_set(err, E_CONFLICT,
		    "\"%s\" lacks its key \"ca.key\": bring that back, put "
		    "a server certificate of your own, or remove ca.crt to "
		    "make a new authority, which all clients need then",
		    certificate_file);
	rc = load_key(init, key_file, &out->key, err);
	if (rc == 0)
		rc = io_read_file(init->cli->pool, certificate_file, PEM_MAX,
		    &certificate, NULL, err);
	if (rc < 0)
		return rc;
	out->certificate = certificate;
	init_step(
	    init, "found", "certificate authority \"%s\"", certificate_file);
	return 0;
}

/* The key may be there: of a setup that was broken off, or of a certificate
 * that had to go; who trusts that one trusts the new one. */
static int
make_authority(struct init *init, const char *key_file,
    const char *certificate_file, const char *host, struct authority *out,
    struct err *err)
{
	struct pool *pool = init->cli->pool;
	const char *name = pool_printf(pool, "dtr authority of %s", host);
	struct x509_request request = { .use = X509_AUTHORITY,
		.common_name =
		    strlen(name) <= COMMON_NAME_MAX ? name : "dtr authority",
		.days = AUTHORITY_DAYS };
	char *certificate;
	bool has_key = file_is_there(key_file);
	int rc = has_key ? load_key(init, key_file, &out->key, err)
			 : key_new(&out->key, err);

	if (rc == 0)
		rc = x509_make(
		    pool, &request, out->key, NULL, NULL, &certificate, err);
	if (rc == 0)
		rc = has_key
		    ? write_pem(certificate_file, certificate, 0644, err)
		    : write_pair(init, out->key, certificate, key_file,
			  certificate_file, err);
	if (rc < 0)
		return rc;
	out->certificate = certificate;
	init_step(init, "made", "certificate authority \"%s\", %d days",
	    certificate_file, AUTHORITY_DAYS);
	return 0;
}

static void
add_name(const char **names, size_t *count, const char *name)
{
	for (size_t i = 0; i < *count; i++)
		if (strcmp(names[i], name) == 0)
			return;
	if (*count < NAMES_MAX)
		names[(*count)++] = name;
}

static size_t
collect_names(
    const struct init *init, const char *host, const char *names[NAMES_MAX])
{
	const char *name;
	size_t count = 0;

	add_name(names, &count, host);
	add_name(names, &count, "localhost");
	add_name(names, &count, "127.0.0.1");
	add_name(names, &count, "::1");
	for (size_t i = 0;
	     (name = cli_option_at(init->cli, "tls-name", i)) != NULL; i++)
		add_name(names, &count, name);
	return count;
}

static int
make_server(struct init *init, const struct authority *authority,
    const char *host, const char *certificate_file, struct err *err)
{
	const char *names[NAMES_MAX];
	struct x509_request request = { .use = X509_SERVER,
		.common_name = strlen(host) <= COMMON_NAME_MAX ? host : "dtr",
		.names = names,
		.name_count = collect_names(init, host, names),
		.days = SERVER_DAYS };
	struct key *key = NULL;
	char *certificate;
	int rc = key_new(&key, err);

	if (rc == 0)
		rc = x509_make(init->cli->pool, &request, key, authority->key,
		    authority->certificate, &certificate, err);
	if (rc == 0)
		rc = write_pair(init, key, certificate,
		    cli_beside_conf(init->cli, "tls/server.key"),
		    certificate_file, err);
	key_free(&key);
	if (rc == 0)
		init_step(init, "made",
		    "server certificate \"%s\" for %s and %zu other names, "
		    "%d days",
		    certificate_file, host, request.name_count - 1,
		    SERVER_DAYS);
	return rc;
}

/* The certificate is there: it must be for each --tls-name. */
static int
compare_names(struct init *init, const char *file, struct err *err)
{
	struct cli *cli = init->cli;
	const char *name;
	char *pem;
	int rc;

	for (size_t i = 0; (name = cli_option_at(cli, "tls-name", i)) != NULL;
	     i++) {
		rc = io_read_file(cli->pool, file, PEM_MAX, &pem, NULL, err);
		if (rc == 0)
			rc = x509_has_name(pem, name, err);
		if (rc < 0)
			return err_prefix(err, "\"%s\"", file);
		if (rc == 0)
			return err_set(err, E_CONFLICT,
			    "\"%s\" is not for %s; remove it to have a new "
			    "one made, or leave out --tls-name",
			    file, name);
	}
	init_step(init, "found", "server certificate \"%s\"", file);
	return 0;
}

int
init_tls(struct init *init, struct err *err)
{
	struct cli *cli = init->cli;
	const char *certificate = cli_beside_conf(cli, "tls/server.crt");
	const char *ca_key = cli_beside_conf(cli, "tls/ca.key");
	const char *ca = cli_beside_conf(cli, "tls/ca.crt");
	const char *host = hosts_of_url(cli->pool, cli->conf.external_url);
	struct authority authority = { 0 };
	int rc;

	if (file_is_there(certificate))
		return compare_names(init, certificate, err);
	if (host == NULL || !is_tls_name(host))
		return err_set(err, E_INVALID,
		    "node.external_url \"%s\" has no host name",
		    cli->conf.external_url);
	rc = io_make_dirs(cli_beside_conf(cli, "tls"), 0755, err);
	if (rc == 0 && file_is_there(ca))
		rc = load_authority(init, ca_key, ca, &authority, err);
	else if (rc == 0)
		rc = make_authority(init, ca_key, ca, host, &authority, err);
	if (rc == 0)
		rc = make_server(init, &authority, host, certificate, err);
	key_free(&authority.key);
	return rc;
}
