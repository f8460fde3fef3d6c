/*
 * The store of blobs: named objects of bytes. A key is made by the caller
 * (blob_key_new) and its row exists before the object; keys are random, so
 * an object never moves and never gets another content. What an object is
 * for, and when it may go, is the database's business (model/upload,
 * ARCHITECTURE.md "Blobs").
 *
 * Errors: E_FULL (no space, or less than the reserve), E_BUSY (the store does
 * not answer), E_INTERNAL (also of an object that is not there, or too short:
 * its row says otherwise).
 */
#ifndef COMMON_BLOB_BLOB_H
#define COMMON_BLOB_BLOB_H

struct conf;
struct err;
struct pool;

#define BLOB_KEY_LENGTH 32
#define BLOB_KEY_SIZE (BLOB_KEY_LENGTH + 1)

struct blob_store;
struct blob_writer;
struct blob_reader;

/* What a store does, for those who measure it. */
enum blob_action {
	BLOB_OPEN, /* to write or to read */
	BLOB_WRITE,
	BLOB_SYNC,
	BLOB_READ,
	BLOB_REMOVE,
	BLOB_ACTIONS, /* their number */
};

/* Told of each action, how many microseconds it took, whatever came of it;
 * in the thread that did it. */
typedef void blob_observer(enum blob_action action, int64_t us);

/* A fresh random key: 32 hexadecimal digits. */
void blob_key_new(char key[BLOB_KEY_SIZE]);

/* Opens the configured store; one for a process, used by all threads.
 * E_INVALID when it is not there. */
int blob_store_open(
    struct blob_store **out, const struct conf *conf, struct err *err);
void blob_store_close(struct blob_store **store);

/* To be called before other threads use the store. */
void blob_store_observe(struct blob_store *store, blob_observer *observer);

/*
 * Starts or goes on with writing an object. offset 0 makes it; a later
 * offset needs the bytes before it and drops whatever lies behind it.
 */
int blob_write_open(struct blob_store *store, const char *key, uint64_t offset,
    struct blob_writer **out, struct err *err);
int blob_write(struct blob_writer *writer, const void *p, size_t n,
    struct err *err);
/* Makes all bytes so far durable, and the object's name too. After one
 * failure it fails always: bytes are lost, and nobody knows which. */
int blob_write_sync(struct blob_writer *writer, struct err *err);
void blob_write_close(struct blob_writer **writer);

/* Opens an object to be read; *size_out (may be NULL) is its length now. */
int blob_read_open(struct blob_store *store, const char *key,
    struct blob_reader **out, uint64_t *size_out, struct err *err);
/* Up to n bytes from offset; *done_out 0 at the end. */
int blob_read(struct blob_reader *reader, uint64_t offset, void *p, size_t n,
    size_t *done_out, struct err *err);
void blob_read_close(struct blob_reader **reader);

/* Removes an object for good; one that is not there is fine. *size_out (may
 * be NULL) is its length then, 0 when it was not there. */
int blob_remove(struct blob_store *store, const char *key, uint64_t *size_out,
    struct err *err);

/*
 * How the web server can send the object by itself, as storage.sendfile
 * says: a path for X-Accel-Redirect or X-Sendfile in pool memory, or NULL
 * when the responder has to send it.
 */
const char *blob_sendfile_path(
    const struct blob_store *store, struct pool *pool, const char *key);

/*
 * E_FULL when less than the reserve is free. Cheap; writers ask by themselves,
 * this is for what goes to the database, which may lie on the same disk.
 */
int blob_store_check_space(struct blob_store *store, struct err *err);

/* Writable, and more than the reserve free? For /readyz and `dtr check`. */
int blob_store_check(struct blob_store *store, uint64_t *free_out,
    struct err *err);

#endif
