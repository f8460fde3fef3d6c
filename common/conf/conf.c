#include "common/base/base.h"
#include "common/conf/conf.h"
#include "common/conf/conf_private.h"

#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/num.h"
#include "common/base/pool.h"
#include "common/base/str.h"

#define MANUAL_WIDTH  79
#define FILE_MAX      ((size_t)1 << 20)
#define LINE_SIZE_MAX 4096
#define NEAR_MAX      2 /* edits between a key and what was meant */

enum conf_type {
	CONF_TYPE_TEXT,
	CONF_TYPE_PATH,
	CONF_TYPE_NUMBER,
	CONF_TYPE_SIZE,
	CONF_TYPE_CHOICE,
};

struct conf_key {
	const char *key;
	enum conf_type type;
	size_t offset; /* of the member in struct conf */
	const char *text_default;
	const char *choices;
	int64_t number_default;
	int64_t min;
	int64_t max;
	const char *help;
};

/* clang-format off */
#define CONF_TEXT(member, key_, def, help_) \
	{ .key = key_, .type = CONF_TYPE_TEXT, .text_default = def, \
		.offset = offsetof(struct conf, member), .help = help_ },
#define CONF_PATH(member, key_, def, help_) \
	{ .key = key_, .type = CONF_TYPE_PATH, .text_default = def, \
		.offset = offsetof(struct conf, member), .help = help_ },
#define CONF_NUMBER(member, key_, def, min_, max_, help_) \
	{ .key = key_, .type = CONF_TYPE_NUMBER, .number_default = def, \
		.min = min_, .max = max_, \
		.offset = offsetof(struct conf, member), .help = help_ },
#define CONF_SIZE(member, key_, def, min_, max_, help_) \
	{ .key = key_, .type = CONF_TYPE_SIZE, .number_default = def, \
		.min = min_, .max = max_, \
		.offset = offsetof(struct conf, member), .help = help_ },
#define CONF_CHOICE(member, key_, def, choices_, help_) \
	{ .key = key_, .type = CONF_TYPE_CHOICE, .text_default = def, \
		.choices = choices_, \
		.offset = offsetof(struct conf, member), .help = help_ },
/* clang-format on */
static const struct conf_key conf_keys[] = {
#include "common/conf/conf_keys.def"
};

/* where a line is, for errors */
struct place {
	const char *name;
	size_t line;
};

const char *
conf_default_file(void)
{
	const char *file = getenv("DTR_CONF");

	return file != NULL && file[0] != '\0' ? file
					       : DTR_SYSCONFDIR "/dtr.conf";
}

static const char **
text_of(struct conf *conf, const struct conf_key *key)
{
	return (const char **)(void *)((char *)conf + key->offset);
}

static int64_t *
number_of(struct conf *conf, const struct conf_key *key)
{
	return (int64_t *)(void *)((char *)conf + key->offset);
}

static bool
is_number(const struct conf_key *key)
{
	return key->type == CONF_TYPE_NUMBER || key->type == CONF_TYPE_SIZE;
}

static const char *
resolve(struct pool *pool, const char *dir, const char *path)
{
	if (path[0] == '\0' || path[0] == '/')
		return pool_strdup(pool, path);
	return pool_printf(
	    pool, "%s/%s", strcmp(dir, "/") == 0 ? "" : dir, path);
}

void
conf_defaults(struct conf *conf, struct pool *pool, const char *dir)
{
	*conf = (struct conf){ .file = "" };
	for (size_t i = 0; i < COUNT_OF(conf_keys); i++) {
		const struct conf_key *key = &conf_keys[i];

		if (is_number(key))
			*number_of(conf, key) = key->number_default;
		else if (key->type == CONF_TYPE_PATH)
			*text_of(conf, key) =
			    resolve(pool, dir, key->text_default);
		else
			*text_of(conf, key) = key->text_default;
	}
}

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Levenshtein's distance; keys are short */
static size_t
distance(const char *a, const char *b)
{
	size_t n = strlen(b);
	size_t row[64];

	if (n >= COUNT_OF(row) || strlen(a) >= COUNT_OF(row))
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t above = row[j];

			row[j] = min3(row[j] + 1, row[j - 1] + 1,
			    diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[n];
}

static int
unknown_key(const struct place *at, const char *key, struct err *err)
{
	const char *near = NULL;
	size_t least = NEAR_MAX + 1;

	for (size_t i = 0; i < COUNT_OF(conf_keys); i++) {
		size_t d = distance(key, conf_keys[i].key);

		if (d < least) {
			least = d;
			near = conf_keys[i].key;
		}
	}
	return err_set(err, E_INVALID, "%s:%zu: unknown key \"%.80s\"%s%s%s",
	    at->name, at->line, key, near != NULL ? "; do you mean \"" : "",
	    near != NULL ? near : "", near != NULL ? "\"?" : "");
}

static bool
parse_size(const char *value, int64_t min, int64_t max, int64_t *out)
{
	static const char suffixes[] = "KMGT";
	size_t n = strlen(value);
	const char *suffix = n > 0 ? strchr(suffixes, value[n - 1]) : NULL;
	unsigned shift = 0;
	uint64_t number;

	if (suffix != NULL && *suffix != '\0') {
		shift = 10 * (unsigned)(suffix - suffixes + 1);
		n--;
	}
	if (!num_parse_u64(value, n, (uint64_t)INT64_MAX >> shift, &number))
		return false;
	*out = (int64_t)(number << shift);
	return *out >= min && *out <= max;
}

static bool
is_choice(const char *choices, const char *value)
{
	size_t n = strlen(value);

	while (n > 0) {
		size_t length = strcspn(choices, "|");

		if (length == n && memcmp(choices, value, n) == 0)
			return true;
		if (choices[length] == '\0')
			return false;
		choices += length + 1;
	}
	return false;
}

static int
set_value(struct conf *conf, struct pool *pool, const char *dir,
    const struct place *at, const struct conf_key *key, const char *value,
    struct err *err)
{
	switch (key->type) {
	case CONF_TYPE_TEXT:
		*text_of(conf, key) = value;
		return 0;
	case CONF_TYPE_PATH:
		*text_of(conf, key) = resolve(pool, dir, value);
		return 0;
	case CONF_TYPE_NUMBER:
		if (num_parse_range(
			value, key->min, key->max, number_of(conf, key)))
			return 0;
		break;
	case CONF_TYPE_SIZE:
		if (parse_size(value, key->min, key->max, number_of(conf, key)))
			return 0;
		break;
	case CONF_TYPE_CHOICE:
		if (!is_choice(key->choices, value))
			return err_set(err, E_INVALID,
			    "%s:%zu: key \"%s\" must be one of %s, not "
			    "\"%.60s\"",
			    at->name, at->line, key->key, key->choices, value);
		*text_of(conf, key) = value;
		return 0;
	}
	return err_set(err, E_INVALID,
	    "%s:%zu: key \"%s\" must be a %s from %" PRId64 " to %" PRId64
	    ", not \"%.60s\"",
	    at->name, at->line, key->key,
	    key->type == CONF_TYPE_SIZE ? "size" : "number", key->min, key->max,
	    value);
}

/* without blanks at both ends */
static const char *
trim(struct pool *pool, const char *p, size_t n)
{
	while (n > 0 && (*p == ' ' || *p == '\t')) {
		p++;
		n--;
	}
	while (
	    n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t' || p[n - 1] == '\r'))
		n--;
	return pool_memdup(pool, p, n);
}

static int
check_line(const struct place *at, const char *p, size_t n, struct err *err)
{
	if (n > LINE_SIZE_MAX)
		return err_set(err, E_INVALID,
		    "%s:%zu: line is longer than %d bytes", at->name, at->line,
		    LINE_SIZE_MAX);
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)p[i] < 0x20 && p[i] != '\t' &&
			(p[i] != '\r' || i + 1 != n)) ||
		    p[i] == 0x7f)
			return err_set(err, E_INVALID,
			    "%s:%zu: control character in the line", at->name,
			    at->line);
	return 0;
}

static int
parse_line(struct conf *conf, struct pool *pool, const char *dir,
    const struct place *at, const char *p, size_t n, bool seen[],
    struct err *err)
{
	const char *equals = memchr(p, '=', n);
	const char *key, *value;
	size_t i = 0;

	key = equals != NULL ? trim(pool, p, (size_t)(equals - p)) : "";
	if (key[0] == '\0')
		return err_set(err, E_INVALID,
		    "%s:%zu: line is not of the form \"key = value\"", at->name,
		    at->line);
	value = trim(pool, equals + 1, n - (size_t)(equals + 1 - p));
	while (i < COUNT_OF(conf_keys) && strcmp(conf_keys[i].key, key) != 0)
		i++;
	if (i == COUNT_OF(conf_keys))
		return unknown_key(at, key, err);
	if (seen[i])
		return err_set(err, E_INVALID,
		    "%s:%zu: key \"%s\" is there twice", at->name, at->line,
		    key);
	seen[i] = true;
	return set_value(conf, pool, dir, at, &conf_keys[i], value, err);
}

static bool
is_empty(const char *p, size_t n)
{
	while (n > 0 && (*p == ' ' || *p == '\t' || *p == '\r')) {
		p++;
		n--;
	}
	return n == 0 || *p == '#';
}

static const char *
folder_of(struct pool *pool, const char *file)
{
	const char *slash = strrchr(file, '/');

	if (slash == NULL)
		return ".";
	return pool_memdup(
	    pool, file, slash == file ? 1 : (size_t)(slash - file));
}

int
conf_parse(struct conf *conf, struct pool *pool, const char *name,
    const char *text, size_t n, struct err *err)
{
	const char *dir = folder_of(pool, name);
	bool seen[COUNT_OF(conf_keys)] = { false };
	struct place at = { .name = name };
	const char *end = text + n;

	conf_defaults(conf, pool, dir);
	conf->file = pool_strdup(pool, name);
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t length;
		int rc;

		if (stop == NULL)
			stop = end;
		length = (size_t)(stop - text);
		at.line++;
		rc = check_line(&at, text, length, err);
		if (rc == 0 && !is_empty(text, length))
			rc = parse_line(
			    conf, pool, dir, &at, text, length, seen, err);
		if (rc < 0)
			return rc;
		text = stop < end ? stop + 1 : end;
	}
	return conf_check(conf, err);
}

int
conf_load(
    struct conf *conf, struct pool *pool, const char *file, struct err *err)
{
	char *text;
	size_t n;
	int rc = io_read_file(pool, file, FILE_MAX, &text, &n, err);

	if (rc == E_NOTFOUND)
		return err_set(err, E_NOTFOUND,
		    "no configuration file \"%s\"; make one with: dtr init",
		    file);
	return rc < 0 ? rc : conf_parse(conf, pool, file, text, n, err);
}

bool
conf_item(const struct conf *conf, struct pool *pool, size_t i,
    const char **key_out, const char **value_out, const char **help_out)
{
	const struct conf_key *key;
	const char *member;

	if (i >= COUNT_OF(conf_keys))
		return false;
	key = &conf_keys[i];
	member = (const char *)conf + key->offset;
	*key_out = key->key;
	*help_out = key->help;
	if (is_number(key))
		*value_out = pool_printf(
		    pool, "%" PRId64, *(const int64_t *)(const void *)member);
	else
		*value_out = *(const char *const *)(const void *)member;
	return true;
}

/* "a|b|c" as a sentence */
static void
put_choices(struct str *out, const char *choices)
{
	str_puts(out, "One of: ");
	for (; *choices != '\0'; choices++)
		if (*choices == '|')
			str_puts(out, ", ");
		else
			str_putc(out, *choices);
	str_puts(out, ".\n");
}

/* help as a sentence, in lines that mandoc's style check accepts */
static void
put_sentence(struct str *out, const char *help)
{
	size_t column = 0;
	bool first = true;

	while (*help != '\0') {
		size_t n = strcspn(help, " ");

		if (column > 0 && column + 1 + n >= MANUAL_WIDTH) {
			str_putc(out, '\n');
			column = 0;
		} else if (column > 0) {
			str_putc(out, ' ');
			column++;
		}
		if (first && help[0] >= 'a' && help[0] <= 'z') {
			str_putc(out, (char)(help[0] - 'a' + 'A'));
			str_add(out, help + 1, n - 1);
		} else {
			str_add(out, help, n);
		}
		first = false;
		column += n;
		help += n + strspn(help + n, " ");
	}
	str_puts(out, ".\n");
}

void
conf_put_manual(struct str *out)
{
	for (size_t i = 0; i < COUNT_OF(conf_keys); i++) {
		const struct conf_key *key = &conf_keys[i];

		str_printf(out, ".It Cm %s\n", key->key);
		put_sentence(out, key->help);
		if (key->type == CONF_TYPE_CHOICE)
			put_choices(out, key->choices);
		if (is_number(key))
			str_printf(out,
			    "From %" PRId64 " to %" PRId64 ", default %" PRId64
			    ".\n",
			    key->min, key->max, key->number_default);
		else if (key->text_default[0] != '\0')
			str_printf(out, "Default: %s\n", key->text_default);
	}
}

unsigned
conf_registry_workers(const struct conf *conf, unsigned cores)
{
	return conf->registry_workers > 0 ? (unsigned)conf->registry_workers
					  : (cores + 3) / 4;
}

unsigned
conf_registry_threads(const struct conf *conf)
{
	if (conf->registry_threads > 0)
		return (unsigned)conf->registry_threads;
	return strcmp(conf->storage_sendfile, "none") == 0 ? 64 : 8;
}
