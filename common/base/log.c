#include "common/base/base.h"
#include "common/base/log.h"

#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/num.h"
#include "common/base/time.h"

/* a line longer than this is cut; it stays one JSON object */
#define LINE_MAX_SIZE 4096
#define TEXT_MAX_SIZE 1024
/* stands for a byte that is not UTF-8 */
#define REPLACEMENT 0xfffd

static enum log_level log_least = LOG_INFO;
static const char *log_program = "dtr";

struct line {
	char p[LINE_MAX_SIZE];
	size_t len;
};

void
log_init(enum log_level least, const char *program)
{
	log_least = least;
	log_program = program;
}

bool
log_is_on(enum log_level level)
{
	return level >= log_least;
}

static const char *
level_name(enum log_level level)
{
	switch (level) {
	case LOG_DEBUG:
		return "debug";
	case LOG_INFO:
		return "info";
	case LOG_WARN:
		return "warn";
	case LOG_ERROR:
		return "error";
	}
	return "error";
}

bool
log_level_parse(const char *name, enum log_level *level_out)
{
	for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
		if (strcmp(name, level_name((enum log_level)i)) == 0) {
			*level_out = (enum log_level)i;
			return true;
		}
	}
	return false;
}

/* leaves room for the closing of the object */
static bool
has_room(const struct line *line, size_t n)
{
	return line->len + n + 4 < sizeof(line->p);
}

static void
put_raw(struct line *line, const char *p, size_t n)
{
	if (!has_room(line, n))
		return;
	memcpy(line->p + line->len, p, n);
	line->len += n;
}

static void
put_unit(struct line *line, uint32_t unit)
{
	static const char hex[] = "0123456789abcdef";

	put_raw(line, "\\u", 2);
	for (int shift = 12; shift >= 0; shift -= 4)
		put_raw(line, &hex[unit >> shift & 15], 1);
}

/* escapes all but ASCII: no text can steer the terminal that shows a log */
static void
put_code(struct line *line, uint32_t code)
{
	char plain = (char)code;

	if (code == '"' || code == '\\')
		put_raw(line, "\\", 1);
	if (code >= 0x20 && code < 0x7f) {
		put_raw(line, &plain, 1);
	} else if (code < 0x10000) {
		put_unit(line, code);
	} else {
		put_unit(line, 0xd800 + ((code - 0x10000) >> 10));
		put_unit(line, 0xdc00 + ((code - 0x10000) & 0x3ff));
	}
}

static void
put_escaped(struct line *line, const char *text)
{
	size_t n = strnlen(text, TEXT_MAX_SIZE);

	/* 12: a surrogate pair is not cut in two */
	for (size_t i = 0; i < n && has_room(line, 12);) {
		uint32_t code;
		size_t length = enc_utf8_next(text + i, n - i, &code);

		put_code(line, length > 0 ? code : REPLACEMENT);
		i += length > 0 ? length : 1;
	}
}

static void
put_text(struct line *line, const char *name, const char *text)
{
	if (text == NULL || !has_room(line, strlen(name) + 16))
		return;
	put_raw(line, line->len > 1 ? ",\"" : "\"", line->len > 1 ? 2 : 1);
	put_raw(line, name, strlen(name));
	put_raw(line, "\":\"", 3);
	put_escaped(line, text);
	/* always fits: has_room() keeps four bytes for it and for "}\n" */
	line->p[line->len++] = '"';
}

static void
put_number(struct line *line, const char *name, int64_t number)
{
	char text[NUM_TEXT_SIZE];

	if (!has_room(line, strlen(name) + 32))
		return;
	put_raw(line, ",\"", 2);
	put_raw(line, name, strlen(name));
	put_raw(line, "\":", 2);
	put_raw(line, text, num_put_i64(text, number));
}

void
log_fields(const struct log_context *ctx, enum log_level level,
    const char *event, const struct log_field *fields, size_t count)
{
	char now[TIME_TEXT_SIZE];
	struct line line;

	if (!log_is_on(level))
		return;
	line.p[0] = '{';
	line.len = 1;
	time_put_rfc3339(now, time_now_us());
	put_text(&line, "time", now);
	put_text(&line, "level", level_name(level));
	put_text(&line, "program", log_program);
	put_text(&line, "event", event);
	if (ctx != NULL)
		put_text(&line, "request_id", ctx->request_id);
	for (size_t i = 0; i < count; i++) {
		if (fields[i].text != NULL)
			put_text(&line, fields[i].name, fields[i].text);
		else if (fields[i].number != LOG_ABSENT)
			put_number(&line, fields[i].name, fields[i].number);
	}
	line.p[line.len++] = '}';
	line.p[line.len++] = '\n';
	/* a log that cannot be written has nowhere to say so */
	if (write(STDERR_FILENO, line.p, line.len) < 0)
		return;
}

void
log_err(const struct log_context *ctx, enum log_level level, const char *event,
    const struct err *err)
{
	log_event(ctx, level, event, LOG_TEXT("code", err_name(err->code)),
	    LOG_TEXT("error", err->text),
	    LOG_TEXT("cause", err->cause[0] != '\0' ? err->cause : NULL));
}
