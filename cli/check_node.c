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
#include "common/blob/blob.h"
#include "common/model/schema.h"
#include "common/model/token_key.h"

void
check_user(struct check *check)
{
	struct cli *cli = check->cli;
	struct err err = ERR_INIT;

	check->over = owner_become(&cli->conf, &err) < 0;
	if (check->over)
		check_report_err(check, "user", &err, NULL);
	else if (geteuid() == 0)
		check_report(check, CHECK_WARN, "user",
		    "what follows is what root may do, which is everything; "
		    "set node.user in \"%s\", or run dtr check as the user "
		    "that the programs run as",
		    cli->conf.file);
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
	struct err err = ERR_INIT;
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
	struct err err = ERR_INIT;
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
	struct err err = ERR_INIT;
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
	struct err err = ERR_INIT;
	bool on;

	if (cli_is_draining(check->cli, &on, &err) < 0)
		check_report_err(check, "drain", &err, NULL);
	else if (on)
		check_report(check, CHECK_WARN, "drain",
		    "this node tells load balancers to use others; run: dtr "
		    "drain off");
}
