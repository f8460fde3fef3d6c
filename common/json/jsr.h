/*
 * Reader of JSON documents (the only user of json-c). The bytes pass
 * jscheck() first; the tree belongs to the pool. Getters check the type and
 * name the place by a JSON pointer (RFC 6901) in the error:
 * "/layers/3/digest must be a string". Unknown members are allowed, a wrong
 * type never is; null counts as absent.
 */
#ifndef COMMON_JSON_JSR_H
#define COMMON_JSON_JSR_H

struct err;
struct jscheck_limits;
struct pool;

/* A value in a document; keep it as long as the pool. */
struct jsr {
	struct pool *pool;
	void *node; /* json_object *, NULL: absent */
	const char *parent; /* JSON pointer of what it is in, NULL: the root */
	const char *name; /* in an object, else NULL */
	size_t index; /* in an array */
};

enum jsr_type {
	JSR_ABSENT,
	JSR_BOOL,
	JSR_INT,
	JSR_REAL,
	JSR_STRING,
	JSR_ARRAY,
	JSR_OBJECT,
};

/* Checks and parses; *out is the root. */
int jsr_parse(struct pool *pool, const char *text, size_t n,
    const struct jscheck_limits *limits, struct jsr *out, struct err *err);

enum jsr_type jsr_type(const struct jsr *v);

/* The value's place as a JSON pointer, "" for the root. */
char *jsr_path(const struct jsr *v);

/*
 * Members of an object; their names live as long as the values. With must,
 * absence is E_INVALID ("/name is missing"); without, *out stays as it was
 * and 0 is returned. Strings are valid while the pool lives and contain no
 * NUL.
 */
int jsr_str(const struct jsr *object, const char *name, bool must,
    const char **out, struct err *err);
int jsr_int(const struct jsr *object, const char *name, bool must, int64_t min,
    int64_t max, int64_t *out, struct err *err);
int jsr_bool(const struct jsr *object, const char *name, bool must, bool *out,
    struct err *err);
int jsr_object(const struct jsr *object, const char *name, bool must,
    struct jsr *out, struct err *err);
int jsr_array(const struct jsr *object, const char *name, bool must,
    size_t max_count, struct jsr *out, struct err *err);

/* Is there such a member, be it null? */
bool jsr_has(const struct jsr *object, const char *name);

/* Number of items of an array or members of an object; else 0. */
size_t jsr_count(const struct jsr *v);

/* Item i of an array, i < jsr_count(). */
struct jsr jsr_item(const struct jsr *array, size_t i);

/* Type checks of a value itself, e.g. of an array's item. */
int jsr_as_str(const struct jsr *v, const char **out, struct err *err);
int jsr_as_object(const struct jsr *v, struct err *err);

/*
 * All members of an object in the document's order:
 *
 *	struct jsr_walk walk = jsr_walk(&object);
 *	while (jsr_next(&walk, &name, &value))
 *		use(name, &value);
 */
struct jsr_walk {
	struct pool *pool;
	const char *path; /* of the object */
	void *next; /* NULL: no more */
};

struct jsr_walk jsr_walk(const struct jsr *object);
bool jsr_next(struct jsr_walk *walk, const char **name, struct jsr *value_out);

/* The value as JSON text in the pool: not the bytes that were given. */
char *jsr_text(const struct jsr *v);

#endif
