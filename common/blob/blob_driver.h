/*
 * What a storage driver implements; blob.c calls it. See blob.h for the
 * meaning of each. A driver embeds the structures as its first members.
 */
#ifndef COMMON_BLOB_BLOB_DRIVER_H
#define COMMON_BLOB_BLOB_DRIVER_H

#include "common/blob/blob.h"

struct blob_driver {
	const char *name; /* storage.driver */
	int (*open)(struct blob_store **out, const struct conf *conf,
	    struct err *err);
	void (*close)(struct blob_store *store);
	int (*write_open)(struct blob_store *store, const char *key,
	    uint64_t offset, struct blob_writer **out, struct err *err);
	int (*write)(struct blob_writer *writer, const void *p, size_t n,
	    struct err *err);
	int (*write_sync)(struct blob_writer *writer, struct err *err);
	void (*write_close)(struct blob_writer *writer);
	int (*read_open)(struct blob_store *store, const char *key,
	    struct blob_reader **out, uint64_t *size_out, struct err *err);
	int (*read)(struct blob_reader *reader, uint64_t offset, void *p,
	    size_t n, size_t *done_out, struct err *err);
	void (*read_close)(struct blob_reader *reader);
	int (*remove)(struct blob_store *store, const char *key,
	    uint64_t *size_out, struct err *err);
	const char *(*sendfile_path)(const struct blob_store *store,
	    struct pool *pool, const char *key);
	int (*check_space)(struct blob_store *store, struct err *err);
	int (*check)(
	    struct blob_store *store, uint64_t *free_out, struct err *err);
};

struct blob_store {
	const struct blob_driver *driver;
	blob_observer *observer; /* blob.c's, or NULL */
};

struct blob_writer {
	struct blob_store *store;
};

struct blob_reader {
	struct blob_store *store;
};

extern const struct blob_driver blob_fs;

#endif
