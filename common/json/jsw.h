/*
 * Streaming JSON writer into a struct str. It puts commas and escapes;
 * unbalanced scopes and a name where none belongs are bugs and abort. What
 * does not fit is the string's to tell: ask str_is_full() at the end.
 *
 *	struct jsw w;
 *	jsw_init(&w, &text);
 *	jsw_object(&w, NULL);
 *	jsw_str(&w, "name", name);
 *	jsw_array(&w, "tags");
 *	jsw_str(&w, NULL, tag);		items of an array have no name
 *	jsw_end(&w);
 *	jsw_end(&w);
 *	jsw_done(&w);			all scopes closed
 */
#ifndef COMMON_JSON_JSW_H
#define COMMON_JSON_JSW_H

struct str;

#define JSW_DEPTH 16

struct jsw {
	struct str *out;
	unsigned depth;
	bool is_array[JSW_DEPTH];
	bool has_items[JSW_DEPTH];
};

void jsw_init(struct jsw *w, struct str *out);
void jsw_object(struct jsw *w, const char *name);
void jsw_array(struct jsw *w, const char *name);
void jsw_end(struct jsw *w);
/* Each byte that is not UTF-8 becomes U+FFFD. NULL writes null. */
void jsw_str(struct jsw *w, const char *name, const char *value);
void jsw_int(struct jsw *w, const char *name, int64_t value);
void jsw_bool(struct jsw *w, const char *name, bool value);
/* value is JSON already, e.g. stored annotations. */
void jsw_raw(struct jsw *w, const char *name, const char *value, size_t n);
void jsw_done(const struct jsw *w);

#endif
