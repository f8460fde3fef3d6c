/* dtr check: files and sockets of this node */
#include "common/base/base.h"
#include "cli/check.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "cli/owner.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/pool.h"
#include "common/base/time.h"
#include "common/blob/blob.h"
#include "common/crypt/x509.h"
#include "common/model/schema.h"
#include "common/model/token_key.h"

#define PEM_MAX       ((size_t)64 << 10)
#define DAY_S         86400
#define TLS_WARN_DAYS 30
/* to bring a new one to all clients takes longer */
#define AUTHORITY_WARN_DAYS 90

/* Without node.user root cannot tell: service managers choose a user, too. */
static bool
is_of_another(const char *folder)
{
	struct stat st;

	return geteuid() == 0 && stat(folder, &st) == 0 && st.st_uid != 0;
}

void
check_user(struct check *check)
{
	struct cli *cli = check->cli;
	struct err err = { .code = 0 };

	check->over = owner_become(&cli->conf, &err) < 0;
	if (check->over)
		check_report_err(check, "user", &err, NULL);
	else if (is_of_another(cli->conf.secrets_dir))
		check_report(check, CHECK_WARN, "user",
		    "root may do everything, but the secrets belong to "
		    "another user; run dtr check as that user, or set "
		    "node.user");
	else
		check_report(check, CHECK_OK, "user",
		    "what follows is what user %s may do",
		    owner_name(cli->pool, geteuid()));
}

static bool
check_secret(struct check *check, const char *name)
{
	struct pool *pool = check->cli->pool;
	const char *file =
	    pool_printf(pool, "%s/%s", check->cli->conf.secrets_dir, name);
	struct err err = { .code = 0 };
	char *text;
	int rc = io_read_secret(pool, file, &text, &err);

	if (rc == E_NOTFOUND)
		check_report_err(check, "secrets", &err,
		    "run dtr init, or copy the file from another replica");
	else if (rc == E_INTERNAL)
		check_report_err(check, "secrets", &err,
		    pool_printf(pool, "user %s must be able to read it",
			owner_name(pool, geteuid())));
	else if (rc < 0)
		check_report_err(check, "secrets", &err, NULL);
	else if (text[0] == '\0')
		check_report(check, CHECK_FAIL, "secrets",
		    "file \"%s\" is empty; remove it and run dtr init", file);
	return rc == 0 && text[0] != '\0';
}

void
check_secrets(struct check *check)
{
	struct cli *cli = check->cli;
	const char *folder = cli->conf.secrets_dir;
	const unsigned char *key;
	struct err err = { .code = 0 };
	struct stat st;
	bool good = true;

	if (stat(folder, &st) < 0 || access(folder, R_OK | X_OK) < 0) {
		const char *what = errno == ENOENT
		    ? "run dtr init"
		    : "it must belong to the user that the programs run as";

		check_report(check, CHECK_FAIL, "secrets",
		    "folder \"%s\" cannot be read by user %s (%s); %s", folder,
		    owner_name(cli->pool, geteuid()), strerrordesc_np(errno),
		    what);
		return;
	}
	if ((st.st_mode & (S_IWGRP | S_IRWXO)) != 0) {
		good = false;
		check_report(check, CHECK_FAIL, "secrets",
		    "folder \"%s\" is open to others; run: chmod 0700 %s",
		    folder, folder);
	}
	good &= check_secret(check, "db-owner");
	for (size_t i = 0; i < schema_role_count; i++)
		good &= check_secret(
		    check, pool_printf(cli->pool, "db-%s", schema_roles[i]));
	if (!check_secret(check, "cluster-key")) {
		good = false;
	} else if (token_key_cluster_key(&cli->conf, cli->pool, &key, &err) <
	    0) {
		good = false;
		check_report_err(check, "secrets", &err,
		    "copy the file from another replica");
	}
	if (good)
		check_report(check, CHECK_OK, "secrets",
		    "folder \"%s\" is complete", folder);
}

void
check_storage(struct check *check)
{
	const struct conf *conf = &check->cli->conf;
	struct blob_store *store = NULL;
	struct err err = { .code = 0 };
	uint64_t left = 0;
	int rc = blob_store_open(&store, conf, &err);

	if (rc == 0)
		rc = blob_store_check(store, &left, &err);
	blob_store_close(&store);
	if (rc == E_FULL)
		check_report_err(check, "storage", &err,
		    "make space or lower storage.reserve");
	else if (rc < 0)
		check_report_err(check, "storage", &err,
		    pool_printf(check->cli->pool,
			"if it is there, user %s must be able to write to "
			"\"%s\" and all folders in it",
			owner_name(check->cli->pool, geteuid()),
			conf->storage_root));
	else
		check_report(check,
		    left / 2 < (uint64_t)conf->storage_reserve ? CHECK_WARN
							       : CHECK_OK,
		    "storage",
		    "\"%s\" is writable, %" PRIu64 " MiB free, reserve %" PRId64
		    " MiB",
		    conf->storage_root, left >> 20,
		    conf->storage_reserve >> 20);
}

static const char *
plural(int64_t count)
{
	return count == 1 ? "" : "s";
}

/* renew: what to do when it ends; a file that is not there is no fault. */
static void
check_certificate(
    struct check *check, const char *name, int64_t warn_days, const char *renew)
{
	struct cli *cli = check->cli;
	const char *file = cli_beside_conf(cli, name);
	struct err err = { .code = 0 };
	int64_t end, left, days;
	char *pem;
	int rc = io_read_file(cli->pool, file, PEM_MAX, &pem, NULL, &err);

	if (rc == E_NOTFOUND)
		return;
	if (rc == 0) {
		rc = x509_not_after(pem, &end, &err);
		if (rc < 0)
			err_prefix(&err, "file \"%s\"", file);
	}
	if (rc < 0) {
		check_report_err(check, "certificate", &err, renew);
		return;
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
}

void
check_tls(struct check *check)
{
	/* without it the web server has one of its own */
	check_certificate(check, "tls/server.crt", TLS_WARN_DAYS,
	    "remove it and run dtr init, or put another one");
	check_certificate(check, "tls/ca.crt", AUTHORITY_WARN_DAYS,
	    "remove it, and server.crt if it signed that, run dtr init and "
	    "give clients the new one");
}

static int
try_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int number = 0;
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		number = errno;
	io_close(&fd);
	return number;
}

static void
check_socket(struct check *check, const char *program, const char *path)
{
	int number = try_connect(path);

	if (number == 0)
		check_report(check, CHECK_OK, "programs",
		    "%s answers on \"%s\"", program, path);
	else if (number == ENOENT || number == ECONNREFUSED)
		check_report(check, CHECK_WARN, "programs",
		    "%s is not running: nobody serves \"%s\"", program, path);
	else
		check_report(check, CHECK_FAIL, "programs",
		    "socket \"%s\" of %s cannot be reached (%s)", path, program,
		    strerrordesc_np(number));
}

void
check_sockets(struct check *check)
{
	const struct conf *conf = &check->cli->conf;

	check_socket(check, "dtr-registry", conf->registry_socket);
	check_socket(check, "dtr-registry", conf->registry_upload_socket);
	check_socket(check, "dtr-garant", conf->garant_socket);
	check_socket(check, "dtr-api", conf->api_socket);
}

void
check_drain(struct check *check)
{
	struct cli *cli = check->cli;

	if (access(pool_printf(cli->pool, "%s/" CONF_DRAIN_FILE,
		       cli->conf.run_dir),
		F_OK) == 0)
		check_report(check, CHECK_WARN, "drain",
		    "this node tells load balancers to use others; run: dtr "
		    "drain off");
}
