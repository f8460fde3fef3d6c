#include "common/base/base.h"

void
base_bug(const char *file, int line, const char *what)
{
	char text[512];
	size_t n = 0;

	/* a condition may hold texts of its own; the line stays JSON */
	for (; *what != '\0' && n + 3 < sizeof(text); what++) {
		if (*what == '"' || *what == '\\')
			text[n++] = '\\';
		text[n++] = *what;
	}
	text[n] = '\0';
	fprintf(stderr,
	    "{\"level\":\"fatal\",\"event\":\"bug\","
	    "\"where\":\"%s:%d\",\"what\":\"%s\"}\n",
	    file, line, text);
	abort();
}
