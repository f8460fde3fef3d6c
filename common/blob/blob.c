#include "common/base/base.h"
#include "common/blob/blob.h"

#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/rand.h"
#include "common/base/time.h"
#include "common/blob/blob_driver.h"
#include "common/conf/conf.h"

static const struct blob_driver *const drivers[] = { &blob_fs };

void
blob_key_new(char key[BLOB_KEY_SIZE])
{
	unsigned char bytes[BLOB_KEY_LENGTH / 2];

	rand_bytes(bytes, sizeof(bytes));
	enc_put_hex(key, bytes, sizeof(bytes));
}

int
blob_store_open(
    struct blob_store **out, const struct conf *conf, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(drivers); i++)
		if (strcmp(drivers[i]->name, conf->storage_driver) == 0)
			return drivers[i]->open(out, conf, err);
	return err_set(err, E_INVALID, "no storage driver \"%s\"",
	    conf->storage_driver);
}

void
blob_store_close(struct blob_store **store)
{
	if (*store != NULL)
		(*store)->driver->close(*store);
	*store = NULL;
}

void
blob_store_observe(struct blob_store *store, blob_observer *observer)
{
	store->observer = observer;
}

/* Returns rc, which the action had that began then. */
static int
observed(const struct blob_store *store, enum blob_action action,
    int64_t begin_us, int rc)
{
	if (store->observer != NULL)
		store->observer(action, time_monotonic_us() - begin_us);
	return rc;
}

/* a key comes from our own rows; the check keeps a bad row from becoming a
 * path */
static int
check_key(const char *key, struct err *err)
{
	if (strlen(key) == BLOB_KEY_LENGTH &&
	    strspn(key, "0123456789abcdef") == BLOB_KEY_LENGTH)
		return 0;
	return err_set(err, E_INVALID, "\"%.64s\" is not an object's key", key);
}

int
blob_write_open(struct blob_store *store, const char *key, uint64_t offset,
    struct blob_writer **out, struct err *err)
{
	int64_t begin_us = time_monotonic_us();
	int rc = check_key(key, err);

	if (rc == 0)
		rc = store->driver->write_open(store, key, offset, out, err);
	return observed(store, BLOB_OPEN, begin_us, rc);
}

int
blob_write(
    struct blob_writer *writer, const void *p, size_t n, struct err *err)
{
	const struct blob_store *store = writer->store;
	int64_t begin_us = time_monotonic_us();

	return observed(store, BLOB_WRITE, begin_us,
	    store->driver->write(writer, p, n, err));
}

int
blob_write_sync(struct blob_writer *writer, struct err *err)
{
	const struct blob_store *store = writer->store;
	int64_t begin_us = time_monotonic_us();

	return observed(store, BLOB_SYNC, begin_us,
	    store->driver->write_sync(writer, err));
}

void
blob_write_close(struct blob_writer **writer)
{
	if (*writer != NULL)
		(*writer)->store->driver->write_close(*writer);
	*writer = NULL;
}

int
blob_read_open(struct blob_store *store, const char *key,
    struct blob_reader **out, uint64_t *size_out, struct err *err)
{
	int64_t begin_us = time_monotonic_us();
	int rc = check_key(key, err);

	if (rc == 0)
		rc = store->driver->read_open(store, key, out, size_out, err);
	return observed(store, BLOB_OPEN, begin_us, rc);
}

int
blob_read(struct blob_reader *reader, uint64_t offset, void *p, size_t n,
    size_t *done_out, struct err *err)
{
	const struct blob_store *store = reader->store;
	int64_t begin_us = time_monotonic_us();

	return observed(store, BLOB_READ, begin_us,
	    store->driver->read(reader, offset, p, n, done_out, err));
}

void
blob_read_close(struct blob_reader **reader)
{
	if (*reader != NULL)
		(*reader)->store->driver->read_close(*reader);
	*reader = NULL;
}

int
blob_remove(struct blob_store *store, const char *key, uint64_t *size_out,
    struct err *err)
{
	int64_t begin_us = time_monotonic_us();
	int rc = check_key(key, err);

	if (rc == 0)
		rc = store->driver->remove(store, key, size_out, err);
	return observed(store, BLOB_REMOVE, begin_us, rc);
}

const char *
blob_sendfile_path(
    const struct blob_store *store, struct pool *pool, const char *key)
{
	struct err ignored;

	if (check_key(key, &ignored) < 0)
		return NULL;
	return store->driver->sendfile_path(store, pool, key);
}

int
blob_store_check_space(struct blob_store *store, struct err *err)
{
	return store->driver->check_space(store, err);
}

int
blob_store_check(
    struct blob_store *store, uint64_t *free_out, struct err *err)
{
	return store->driver->check(store, free_out, err);
}
