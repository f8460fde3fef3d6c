#include "common/base/base.h"
#include "common/json/jsw.h"

#include "common/base/enc.h"
#include "common/base/num.h"
#include "common/base/str.h"

void
jsw_init(struct jsw *w, struct str *out)
{
	*w = (struct jsw){ .out = out };
}

static void
put_string(struct str *out, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	const char *end = text + strlen(text);
	size_t length;

	str_putc(out, '"');
	for (; text < end; text += length) {
		uint32_t code;

		length = enc_utf8_next(text, (size_t)(end - text), &code);
		if (length == 0) {
			str_puts(out, "\\ufffd");
			length = 1;
		} else if (code < 0x20) {
			str_puts(out, "\\u00");
			str_putc(out, hex[code >> 4]);
			str_putc(out, hex[code & 15]);
		} else {
			if (code == '"' || code == '\\')
				str_putc(out, '\\');
			str_add(out, text, length);
		}
	}
	str_putc(out, '"');
}

/* the comma before a value, and its name in an object */
static void
begin_value(struct jsw *w, const char *name)
{
	if (w->depth == 0) {
		ASSERT(name == NULL && !w->has_items[0]);
		w->has_items[0] = true;
		return;
	}
	ASSERT(w->is_array[w->depth] == (name == NULL));
	if (w->has_items[w->depth])
		str_putc(w->out, ',');
	w->has_items[w->depth] = true;
	if (name != NULL) {
		put_string(w->out, name);
		str_putc(w->out, ':');
	}
}

static void
open_scope(struct jsw *w, const char *name, bool is_array)
{
	begin_value(w, name);
	ASSERT(w->depth + 1 < JSW_DEPTH);
	w->depth++;
	w->is_array[w->depth] = is_array;
	w->has_items[w->depth] = false;
	str_putc(w->out, is_array ? '[' : '{');
}

void
jsw_object(struct jsw *w, const char *name)
{
	open_scope(w, name, false);
}

void
jsw_array(struct jsw *w, const char *name)
{
	open_scope(w, name, true);
}

void
jsw_end(struct jsw *w)
{
	ASSERT(w->depth > 0);
	str_putc(w->out, w->is_array[w->depth] ? ']' : '}');
	w->depth--;
}

void
jsw_str(struct jsw *w, const char *name, const char *value)
{
	begin_value(w, name);
	if (value == NULL)
		str_puts(w->out, "null");
	else
		put_string(w->out, value);
}

void
jsw_int(struct jsw *w, const char *name, int64_t value)
{
	char text[NUM_TEXT_SIZE];

	begin_value(w, name);
	str_add(w->out, text, num_put_i64(text, value));
}

void
jsw_bool(struct jsw *w, const char *name, bool value)
{
	begin_value(w, name);
	str_puts(w->out, value ? "true" : "false");
}

void
jsw_raw(struct jsw *w, const char *name, const char *value, size_t n)
{
	begin_value(w, name);
	str_add(w->out, value, n);
}

void
jsw_done(const struct jsw *w)
{
	ASSERT(w->depth == 0 && w->has_items[0]);
}
