/*
 * Runs a fuzz target once over each file of the files and folders named, or
 * else of its own corpus, and reports one test in TAP form.
 */
#include "common/base/base.h"
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <sys/stat.h>

#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/mem.h"
#include "common/base/pool.h"

#define INPUT_MAX ((size_t)16 << 20)
#define SUFFIX    "_fuzz"

static int
replay_file(const char *path, struct err *err)
{
	struct pool *pool = pool_new(INPUT_MAX + 4096);
	char *text;
	size_t n;
	int rc = io_read_file(pool, path, INPUT_MAX, &text, &n, err);

	if (rc == 0) {
		/* of its exact size, so that reading too far is noticed */
		uint8_t *data = mem_new(n > 0 ? n : 1);

		memcpy(data, text, n);
		LLVMFuzzerTestOneInput(data, n);
		mem_free(&data);
	}
	pool_free(&pool);
	return rc;
}

/* Returns the number of files, < 0 if one could not be read. */
static int
replay_folder(const char *path, struct err *err)
{
	DIR *dir = opendir(path);
	struct pool *pool;
	struct dirent *entry;
	int count = 0, rc = 0;

	if (dir == NULL)
		return err_set(err, E_NOTFOUND, "no folder \"%s\"", path);
	pool = pool_new(INPUT_MAX);
	while (rc == 0 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		rc = replay_file(
		    pool_printf(pool, "%s/%s", path, entry->d_name), err);
		count++;
	}
	pool_free(&pool);
	closedir(dir);
	return rc < 0 ? rc : count;
}

static int
replay(const char *path, struct err *err)
{
	struct stat st;
	int rc;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return replay_folder(path, err);
	rc = replay_file(path, err);
	return rc < 0 ? rc : 1;
}

/* "jws_fuzz" has its inputs in tests/fuzz/corpus/jws */
static int
replay_own(const char *program, struct err *err)
{
	struct pool *pool = pool_new(1 << 16);
	const char *slash = strrchr(program, '/');
	const char *name = slash != NULL ? slash + 1 : program;
	const char *top = getenv("top_srcdir");
	size_t n = strlen(name);
	int count;

	if (n > strlen(SUFFIX) &&
	    strcmp(name + n - strlen(SUFFIX), SUFFIX) == 0)
		n -= strlen(SUFFIX);
	count = replay_folder(pool_printf(pool, "%s/tests/fuzz/corpus/%.*s",
				  top != NULL ? top : ".", (int)n, name),
	    err);
	pool_free(&pool);
	return count;
}

int
main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	int count = argc > 1 ? 0 : replay_own(argv[0], &err);

	for (int i = 1; i < argc && count >= 0; i++) {
		int n = replay(argv[i], &err);

		count = n < 0 ? n : count + n;
	}
	puts("1..1");
	if (count < 0)
		printf("not ok 1 - %s\n", err.text);
	else if (count == 0)
		puts("not ok 1 - no inputs");
	else
		printf("ok 1 - %d inputs\n", count);
	return count > 0 ? 0 : 1;
}
