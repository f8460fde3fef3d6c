/* dtr check: the certificates that dtr init made for the web server */
#include "common/base/base.h"
#include "cli/check.h"

#include "cli/hosts.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/pool.h"
#include "common/base/time.h"
#include "common/crypt/x509.h"

#define PEM_MAX       ((size_t)64 << 10)
#define DAY_S         86400
#define TLS_WARN_DAYS 30
/* to bring a new one to all clients takes longer */
#define AUTHORITY_WARN_DAYS 90

/* clang-format off */
#define RENEW \
	"run: dtr init --db-admin USER, with --tls-name NAME for each " \
	"further name, and reload the web server"
#define RENEW_SERVER "remove it and " RENEW ", or put another one"
/* clang-format on */

static const char *
plural(int64_t count)
{
	return count == 1 ? "" : "s";
}

/* renew: what to do when it ends. False if it is no certificate. */
static bool
check_end(struct check *check, const char *file, const char *pem,
    int64_t warn_days, const char *renew)
{
	struct err err = ERR_INIT;
	int64_t end, left, days;

	if (x509_not_after(pem, &end, &err) < 0) {
		err_prefix(&err, "file \"%s\"", file);
		check_report_err(check, "certificate", &err, renew);
		return false;
	}
	left = end - time_now_s();
	days = (left < 0 ? -left : left) / DAY_S;
	if (left <= 0)
		check_report(check, CHECK_FAIL, "certificate",
		    "\"%s\" has expired, %" PRId64 " day%s ago; %s", file, days,
		    plural(days), renew);
	else if (days < warn_days)
		check_report(check, CHECK_WARN, "certificate",
		    "\"%s\" expires in %" PRId64 " day%s; %s", file, days,
		    plural(days), renew);
	else
		check_report(check, CHECK_OK, "certificate",
		    "\"%s\" is good for %" PRId64 " days", file, days);
	return true;
}

/* A balancer in front may have another one: so this is no failure. */
static void
check_host(struct check *check, const char *file, const char *pem)
{
	struct pool *pool = check->cli->pool;
	const char *host = hosts_of_url(pool, check->cli->conf.external_url);
	struct err err = ERR_INIT;

	if (x509_has_name(pem, host, &err) == 0)
		check_report(check, CHECK_WARN, "certificate",
		    "\"%s\" is not for \"%s\", the host of node.external_url: "
		    "clients refuse it; " RENEW_SERVER,
		    file, host);
}

/* Who may not read the key cannot tell: the web server starts as root. */
static void
check_pair(struct check *check, const char *file, const char *pem)
{
	struct cli *cli = check->cli;
	const char *key_file = cli_beside_conf(cli, "tls/server.key");
	struct err err = ERR_INIT;
	char *key_pem;
	int rc;

	rc = io_read_secret(cli->pool, key_file, &key_pem, &err);
	if (rc == E_NOTFOUND)
		check_report(check, CHECK_WARN, "certificate",
		    "\"%s\" lacks its private key \"%s\": put it there, or "
		    "remove the certificate and " RENEW,
		    file, key_file);
	if (rc < 0)
		return;
	rc = x509_is_pair(pem, key_pem, &err);
	if (rc < 0)
		check_report(check, CHECK_WARN, "certificate", "\"%s\" is %s",
		    key_file, err.text);
	else if (rc == 0)
		check_report(check, CHECK_FAIL, "certificate",
		    "private key \"%s\" does not belong to \"%s\", so the web "
		    "server cannot start; put the key of this certificate, or "
		    "remove both and " RENEW,
		    key_file, file);
}

/* NULL: it is not there, which is no fault, or cannot be read, which is. */
static const char *
read_certificate(struct check *check, const char *file, const char *renew)
{
	struct err err = ERR_INIT;
	char *pem = NULL;
	int rc =
	    io_read_file(check->cli->pool, file, PEM_MAX, &pem, NULL, &err);

	if (rc < 0 && rc != E_NOTFOUND)
		check_report_err(check, "certificate", &err, renew);
	return rc == 0 ? pem : NULL;
}

static void
check_authority(struct check *check)
{
	static const char renew[] =
	    "remove it, and server.crt if it signed "
	    "that, " RENEW ", and give clients the new one";
	const char *file = cli_beside_conf(check->cli, "tls/ca.crt");
	const char *pem = read_certificate(check, file, renew);

	if (pem != NULL)
		check_end(check, file, pem, AUTHORITY_WARN_DAYS, renew);
}

void
check_tls(struct check *check)
{
	const char *file = cli_beside_conf(check->cli, "tls/server.crt");
	/* without it the web server has one of its own */
	const char *pem = read_certificate(check, file, RENEW_SERVER);

	if (pem != NULL &&
	    check_end(check, file, pem, TLS_WARN_DAYS, RENEW_SERVER)) {
		check_host(check, file, pem);
		check_pair(check, file, pem);
	}
	check_authority(check);
}
