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
	bool valid = enc_is_utf8(text, strlen(text));

	str_putc(out, '"');
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\') {
			str_putc(out, '\\');
			str_putc(out, *text);
		} else if (c < 0x20) {
			str_puts(out, "\\u00");
			str_putc(out, hex[c >> 4]);
			str_putc(out, hex[c & 15]);
		} else if (c >= 0x80 && !valid) {
			str_puts(out, "\\ufffd");
		} else {
			str_putc(out, *text);
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
