#include "common/base/base.h"
#include "common/json/jsr.h"

#include <json-c/json.h>

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/json/jscheck.h"

/* of a place in an error, which is for people */
#define PATH_LENGTH_MAX 200

static void
release(void *object)
{
	json_object_put(object);
}

int
jsr_parse(struct pool *pool, const char *text, size_t n,
    const struct jscheck_limits *limits, struct jsr *out, struct err *err)
{
	struct json_tokener *tokener;
	struct json_object *root;
	int rc = jscheck(text, n, limits, err);

	if (rc < 0)
		return rc;
	if (n >= INT_MAX)
		return err_set(err, E_TOOBIG, "JSON: too large");
	tokener = json_tokener_new_ex((int)limits->depth + 2);
	ASSERT(tokener != NULL);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	root = json_tokener_parse_ex(tokener, text, (int)n);
	/* a number alone is complete only when the tokener sees its end */
	if (json_tokener_get_error(tokener) == json_tokener_continue)
		root = json_tokener_parse_ex(tokener, "\n", 1);
	if (json_tokener_get_error(tokener) != json_tokener_success)
		rc = err_set(err, E_INVALID, "JSON: the parser refused it");
	json_tokener_free(tokener);
	if (rc < 0)
		return rc;
	if (root != NULL)
		pool_on_free(pool, release, root);
	*out = (struct jsr){ .pool = pool, .node = root };
	return 0;
}

enum jsr_type
jsr_type(const struct jsr *v)
{
	switch (json_object_get_type(v->node)) {
	case json_type_null:
		return JSR_ABSENT;
	case json_type_boolean:
		return JSR_BOOL;
	case json_type_int:
		return JSR_INT;
	case json_type_double:
		return JSR_REAL;
	case json_type_string:
		return JSR_STRING;
	case json_type_array:
		return JSR_ARRAY;
	case json_type_object:
		return JSR_OBJECT;
	}
	return JSR_ABSENT;
}

static const char *
type_name(enum jsr_type type)
{
	switch (type) {
	case JSR_ABSENT:
		return "absent";
	case JSR_BOOL:
		return "true or false";
	case JSR_INT:
		return "an integer";
	case JSR_REAL:
		return "a number";
	case JSR_STRING:
		return "a string";
	case JSR_ARRAY:
		return "a list";
	case JSR_OBJECT:
		return "an object";
	}
	return "";
}

/* with "~" and "/" as RFC 6901 has them */
static void
put_name(struct str *path, const char *name)
{
	str_putc(path, '/');
	for (; *name != '\0'; name++) {
		if (*name == '~')
			str_puts(path, "~0");
		else if (*name == '/')
			str_puts(path, "~1");
		else
			str_putc(path, *name);
	}
}

static char *
path_below(struct pool *pool, const char *parent, const char *name)
{
	struct str path;

	str_init(&path, pool, PATH_LENGTH_MAX);
	str_puts(&path, parent);
	put_name(&path, name);
	return path.p;
}

char *
jsr_path(const struct jsr *v)
{
	if (v->parent == NULL)
		return pool_strdup(v->pool, "");
	if (v->name != NULL)
		return path_below(v->pool, v->parent, v->name);
	return pool_printf(v->pool, "%s/%zu", v->parent, v->index);
}

static int
check_type(const struct jsr *v, enum jsr_type type, struct err *err)
{
	if (jsr_type(v) == type)
		return 0;
	return err_set(err, E_INVALID, "%s must be %s",
	    v->parent != NULL ? jsr_path(v) : "the document", type_name(type));
}

/* 1 there and of this type, 0 absent, < 0 wrong type or missing */
static int
member(const struct jsr *object, const char *name, bool must,
    enum jsr_type type, struct jsr *out, struct err *err)
{
	struct json_object *node = NULL;
	int rc = check_type(object, JSR_OBJECT, err);

	if (rc < 0)
		return rc;
	json_object_object_get_ex(object->node, name, &node);
	if (node == NULL && !must)
		return 0;
	*out = (struct jsr){ .pool = object->pool, .node = node, .name = name };
	/* of a plain value the place matters only in an error */
	if (type != JSR_ARRAY && type != JSR_OBJECT && jsr_type(out) == type)
		return 1;
	out->parent = jsr_path(object);
	if (node == NULL)
		return err_set(err, E_INVALID, "%s is missing", jsr_path(out));
	rc = check_type(out, type, err);
	return rc < 0 ? rc : 1;
}

int
jsr_str(const struct jsr *object, const char *name, bool must,
    const char **out, struct err *err)
{
	struct jsr v;
	int rc = member(object, name, must, JSR_STRING, &v, err);

	if (rc > 0)
		*out = json_object_get_string(v.node);
	return rc < 0 ? rc : 0;
}

int
jsr_int(const struct jsr *object, const char *name, bool must, int64_t min,
    int64_t max, int64_t *out, struct err *err)
{
	struct jsr v;
	int64_t number;
	int rc = member(object, name, must, JSR_INT, &v, err);

	if (rc <= 0)
		return rc;
	number = json_object_get_int64(v.node);
	if (number < min || number > max)
		return err_set(err, E_INVALID,
		    "%s must be from %" PRId64 " to %" PRId64,
		    path_below(v.pool, jsr_path(object), name), min, max);
	*out = number;
	return 0;
}

int
jsr_bool(const struct jsr *object, const char *name, bool must, bool *out,
    struct err *err)
{
	struct jsr v;
	int rc = member(object, name, must, JSR_BOOL, &v, err);

	if (rc > 0)
		*out = json_object_get_boolean(v.node);
	return rc < 0 ? rc : 0;
}

int
jsr_object(const struct jsr *object, const char *name, bool must,
    struct jsr *out, struct err *err)
{
	struct jsr v;
	int rc = member(object, name, must, JSR_OBJECT, &v, err);

	if (rc > 0)
		*out = v;
	return rc < 0 ? rc : 0;
}

int
jsr_array(const struct jsr *object, const char *name, bool must,
    size_t max_count, struct jsr *out, struct err *err)
{
	struct jsr v;
	int rc = member(object, name, must, JSR_ARRAY, &v, err);

	if (rc <= 0)
		return rc;
	if (jsr_count(&v) > max_count)
		return err_set(err, E_INVALID, "%s has more than %zu items",
		    jsr_path(&v), max_count);
	*out = v;
	return 0;
}

bool
jsr_has(const struct jsr *object, const char *name)
{
	return jsr_type(object) == JSR_OBJECT &&
	    json_object_object_get_ex(object->node, name, NULL);
}

size_t
jsr_count(const struct jsr *v)
{
	if (jsr_type(v) == JSR_ARRAY)
		return json_object_array_length(v->node);
	if (jsr_type(v) == JSR_OBJECT)
		return (size_t)json_object_object_length(v->node);
	return 0;
}

struct jsr
jsr_item(const struct jsr *array, size_t i)
{
	ASSERT(jsr_type(array) == JSR_ARRAY && i < jsr_count(array));
	return (struct jsr){ .pool = array->pool,
		.node = json_object_array_get_idx(array->node, i),
		.parent = jsr_path(array),
		.index = i };
}

int
jsr_as_str(const struct jsr *v, const char **out, struct err *err)
{
	int rc = check_type(v, JSR_STRING, err);

	if (rc == 0)
		*out = json_object_get_string(v->node);
	return rc;
}

int
jsr_as_object(const struct jsr *v, struct err *err)
{
	return check_type(v, JSR_OBJECT, err);
}

struct jsr_walk
jsr_walk(const struct jsr *object)
{
	struct jsr_walk walk = { .pool = object->pool };

	if (jsr_type(object) == JSR_OBJECT) {
		walk.path = jsr_path(object);
		walk.next = lh_table_head(json_object_get_object(object->node));
	}
	return walk;
}

bool
jsr_next(struct jsr_walk *walk, const char **name, struct jsr *value_out)
{
	struct lh_entry *entry = walk->next;

	if (entry == NULL)
		return false;
	walk->next = lh_entry_next(entry);
	*name = lh_entry_k(entry);
	*value_out = (struct jsr){ .pool = walk->pool,
		.node = lh_entry_v(entry),
		.parent = walk->path,
		.name = *name };
	return true;
}

char *
jsr_text(const struct jsr *v)
{
	return pool_strdup(v->pool,
	    json_object_to_json_string_ext(v->node,
		JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}
