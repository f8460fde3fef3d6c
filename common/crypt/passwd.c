#include "common/base/base.h"
#include "common/crypt/passwd.h"

#include <crypt.h>

#include "common/base/err.h"
#include "common/base/mem.h"
#include "common/base/pool.h"

#define BCRYPT_LENGTH_MAX 72

static const struct {
	const char *name;
	const char *prefix;
	unsigned min;
	unsigned max;
} methods[] = {
	{ "yescrypt", "$y$", 1, 11 },
	{ "bcrypt", "$2b$", 4, 20 },
};

static int
run(const char *password, const char *setting, char *out, size_t size)
{
	struct crypt_data *data = mem_new(sizeof(*data));
	char *hash = crypt_rn(password, setting, data, sizeof(*data));
	int rc = -1;

	if (hash != NULL && hash[0] != '*' &&
	    (size_t)snprintf(out, size, "%s", hash) < size)
		rc = 0;
	mem_wipe(data, sizeof(*data));
	mem_free(&data);
	return rc;
}

int
passwd_hash(struct pool *pool, const char *password, const char *method,
    unsigned cost, char **hash_out, struct err *err)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	size_t i = 0;

	while (i < COUNT_OF(methods) && strcmp(methods[i].name, method) != 0)
		i++;
	if (i == COUNT_OF(methods))
		return err_set(err, E_INVALID,
		    "password method \"%s\" is not known", method);
	if (cost < methods[i].min || cost > methods[i].max)
		return err_set(err, E_INVALID,
		    "cost of %s must be from %u to %u", method,
		    methods[i].min, methods[i].max);
	if (strlen(password) > PASSWD_LENGTH_MAX)
		return err_set(err, E_INVALID,
		    "password is longer than %d bytes", PASSWD_LENGTH_MAX);
	if (i == 1 && strlen(password) > BCRYPT_LENGTH_MAX)
		return err_set(err, E_INVALID,
		    "bcrypt would cut a password of more than %d bytes",
		    BCRYPT_LENGTH_MAX);
	*hash_out = pool_alloc(pool, PASSWD_HASH_MAX);
	if (crypt_gensalt_rn(methods[i].prefix, cost, NULL, 0, setting,
		sizeof(setting)) == NULL ||
	    run(password, setting, *hash_out, PASSWD_HASH_MAX) < 0)
		return err_set(err, E_INTERNAL, "hashing a password failed");
	return 0;
}

static bool
is_known(const char *hash)
{
	static const char *const prefixes[] = { "$y$", "$2a$", "$2b$", "$2y$",
		"$6$" };

	for (size_t i = 0; i < COUNT_OF(prefixes); i++)
		if (strncmp(hash, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

int
passwd_verify(const char *password, const char *hash, struct err *err)
{
	char made[PASSWD_HASH_MAX];
	size_t n = strlen(hash);

	if (!is_known(hash) || run(password, hash, made, sizeof(made)) < 0)
		return err_set(err, E_INTERNAL,
		    "the stored password hash has an unknown form");
	return strlen(made) == n && mem_equal_secret(made, hash, n);
}

void
passwd_waste(const char *password)
{
	/* yescrypt with the default cost, of an empty password */
	static const char any[] = "$y$j9T$ABCDEFGHIJKLMNOPQRSTU1$";
	char made[PASSWD_HASH_MAX];

	if (run(password, any, made, sizeof(made)) < 0)
		return;
}
