/*
 * Structured log: one JSON line an event, written by a single write(2) to
 * standard error (or to the file the supervisor put there).
 *
 *	log_event(ctx, LOG_WARN, "upload_expired",
 *	    LOG_TEXT("repository", name), LOG_NUMBER("bytes", n));
 *
 * Texts are cut at 1024 bytes, lines at 4096; a byte that is not UTF-8 becomes
 * U+FFFD, and all but ASCII is escaped.
 *
 * Event and field names are listed in doc/log-fields.md. A context carries
 * what belongs to every line of one request. Secrets are never passed here.
 */
#ifndef COMMON_BASE_LOG_H
#define COMMON_BASE_LOG_H

struct err;

enum log_level {
	LOG_DEBUG,
	LOG_INFO,
	LOG_WARN,
	LOG_ERROR,
};

struct log_field {
	const char *name;
	const char *text; /* NULL: number is meant */
	int64_t number;
};

/* What every line of a request carries; all members may be NULL. */
struct log_context {
	const char *request_id;
};

/* the number of a text field, and of a text field without text */
#define LOG_ABSENT INT64_MIN

#define LOG_TEXT(field, value) \
	((struct log_field){ .name = (field), \
	    .text = (value), .number = LOG_ABSENT })
#define LOG_NUMBER(field, value) \
	((struct log_field){ .name = (field), .number = (int64_t)(value) })

/*
 * Set once at start, before threads: least level, and the program's name,
 * which is kept and not copied.
 */
void log_init(enum log_level least, const char *program);

bool log_is_on(enum log_level level);

/* "debug", "info", "warn", "error"; returns false for another name. */
bool log_level_parse(const char *name, enum log_level *level_out);

/* ctx may be NULL. A text field whose value is NULL is left out. */
#define log_event(ctx, level, event, ...) \
	log_fields((ctx), (level), (event), \
	    (const struct log_field[]){ __VA_ARGS__ }, \
	    sizeof((const struct log_field[]){ __VA_ARGS__ }) / \
		sizeof(struct log_field))

void log_fields(const struct log_context *ctx, enum log_level level,
    const char *event, const struct log_field *fields, size_t count);

/* An event with err's code, text and cause. */
void log_err(const struct log_context *ctx, enum log_level level,
    const char *event, const struct err *err);

#endif
