#include "common/base/base.h"
#include "common/crypt/passwd.h"

#include <crypt.h>

#include "common/base/err.h"
#include "common/base/mem.h"
#include "common/base/num.h"
#include "common/base/pool.h"

#define BCRYPT_COST_MAX   20
#define SHA512_ROUNDS_MAX 10000000

_Static_assert(PASSWD_LENGTH_MAX < CRYPT_MAX_PASSPHRASE_SIZE,
    "libcrypt takes the longest password");
_Static_assert(
    PASSWD_HASH_MAX >= CRYPT_OUTPUT_SIZE, "libcrypt's longest hash fits");

struct method {
	const char *name;
	const char *prefix;
	unsigned cost_usual;
	unsigned cost_min;
	unsigned cost_max;
	size_t length_max; /* of the password */
};

static const struct method methods[] = {
	{ "yescrypt", "$y$", 5, 1, 11, PASSWD_LENGTH_MAX },
	{ "bcrypt", "$2b$", 12, 4, BCRYPT_COST_MAX, 72 },
};

/* errno says why it failed */
static int
run(const char *password, const char *setting, char *out, size_t size)
{
	struct crypt_data *data = mem_new(sizeof(*data));
	char *hash = crypt_rn(password, setting, data, sizeof(*data));
	int number = errno;
	int rc = -1;

	if (hash != NULL && hash[0] != '*' &&
	    (size_t)snprintf(out, size, "%s", hash) < size)
		rc = 0;
	mem_wipe(data, sizeof(*data));
	mem_free(&data);
	errno = number;
	return rc;
}

static const struct method *
find_method(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(methods); i++)
		if (strcmp(methods[i].name, name) == 0)
			return &methods[i];
	return NULL;
}

static bool
is_cost(const struct method *m, unsigned cost)
{
	return cost >= m->cost_min && cost <= m->cost_max;
}

/* libcrypt takes 5 for bcrypt's usual one, far too cheap */
static unsigned
cost_of(const struct method *m, unsigned cost)
{
	return cost == 0 ? m->cost_usual : cost;
}

static bool
make_setting(const struct method *m, unsigned cost,
    char setting[CRYPT_GENSALT_OUTPUT_SIZE])
{
	return crypt_gensalt_rn(m->prefix, cost, NULL, 0, setting,
		   CRYPT_GENSALT_OUTPUT_SIZE) != NULL;
}

int
passwd_hash(struct pool *pool, const char *password, const char *method,
    unsigned cost, char **hash_out, struct err *err)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	const struct method *m = find_method(method);

	if (m == NULL)
		return err_set(err, E_INVALID,
		    "password method \"%.40s\" is not known", method);
	cost = cost_of(m, cost);
	if (!is_cost(m, cost))
		return err_set(err, E_INVALID,
		    "cost of %s must be from %u to %u", m->name, m->cost_min,
		    m->cost_max);
	if (strlen(password) > m->length_max)
		return err_set(err, E_INVALID,
		    "password is longer than the %zu bytes that %s takes",
		    m->length_max, m->name);
	*hash_out = pool_alloc(pool, PASSWD_HASH_MAX);
	if (!make_setting(m, cost, setting) ||
	    run(password, setting, *hash_out, PASSWD_HASH_MAX) < 0) {
		int number = errno;

		err_set(err, E_INTERNAL, "hashing a password failed");
		return err_errno(err, number);
	}
	return 0;
}

/* "j75" to "jFT": the parameters of crypt_gensalt()'s costs 1 to 11 */
static bool
is_yescrypt(const char *p)
{
	return p[0] == 'j' &&
	    ((p[1] >= '7' && p[1] <= '9') || (p[1] >= 'A' && p[1] <= 'F')) &&
	    (p[2] == '5' || p[2] == 'T') && p[3] == '$';
}

static bool
is_bcrypt(const char *p)
{
	uint64_t cost;

	if (p[0] == '0')
		return p[1] >= '4' && p[1] <= '9' && p[2] == '$';
	return p[0] != '\0' && p[1] != '\0' &&
	    num_parse_u64(p, 2, BCRYPT_COST_MAX, &cost) && p[2] == '$';
}

static bool
is_sha512(const char *p)
{
	static const char rounds[] = "rounds=";
	uint64_t count;

	if (strncmp(p, rounds, strlen(rounds)) != 0)
		return true;
	p += strlen(rounds);
	return num_parse_u64(p, strcspn(p, "$"), SHA512_ROUNDS_MAX, &count);
}

/* A hash may come from elsewhere: its cost must not hold a core for days. */
static bool
is_known(const char *hash)
{
	static const struct {
		const char *prefix;
		bool (*check)(const char *parameters);
	} forms[] = {
		{ "$y$", is_yescrypt },
		{ "$2a$", is_bcrypt },
		{ "$2b$", is_bcrypt },
		{ "$2y$", is_bcrypt },
		{ "$6$", is_sha512 },
	};

	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		size_t n = strlen(forms[i].prefix);

		if (strncmp(hash, forms[i].prefix, n) == 0)
			return forms[i].check(hash + n);
	}
	return false;
}

int
passwd_verify(const char *password, const char *hash, struct err *err)
{
	char made[PASSWD_HASH_MAX];
	size_t n = strlen(hash);

	if (!is_known(hash))
		return err_set(err, E_INTERNAL,
		    "the stored password hash has an unknown form or cost");
	if (strlen(password) > PASSWD_LENGTH_MAX)
		return 0;
	if (run(password, hash, made, sizeof(made)) < 0) {
		int number = errno;

		err_set(err, E_INTERNAL, "checking a password failed");
		return err_errno(err, number);
	}
	return strlen(made) == n && mem_equal_secret(made, hash, n);
}

void
passwd_waste(const char *password, const char *method, unsigned cost)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE], made[PASSWD_HASH_MAX];
	const struct method *m = find_method(method);

	if (m == NULL)
		return;
	cost = cost_of(m, cost);
	/* fails for a password that passwd_verify() refuses as fast */
	if (is_cost(m, cost) && make_setting(m, cost, setting))
		(void)run(password, setting, made, sizeof(made));
}
