#include "common/base/base.h"

void
base_bug(const char *file, int line, const char *what)
{
	fprintf(stderr, "{\"level\":\"fatal\",\"event\":\"bug\","
			"\"where\":\"%s:%d\",\"what\":\"%s\"}\n",
	    file, line, what);
	abort();
}
