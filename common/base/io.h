/* Files and descriptors: whole reads and writes, replacement in one step. */
#ifndef COMMON_BASE_IO_H
#define COMMON_BASE_IO_H

struct err;
struct pool;

/* Writes all n bytes, over interruptions. */
int io_write_all(int fd, const void *p, size_t n, struct err *err);

/*
 * Reads a whole file of at most max bytes into the pool; *len_out may be
 * NULL. A NUL follows that is not counted. E_NOTFOUND if there is none,
 * E_TOOBIG if it is larger, E_CONFLICT if it grew meanwhile.
 */
int io_read_file(struct pool *pool, const char *path, size_t max,
    char **text_out, size_t *len_out, struct err *err);

/*
 * As io_read_file() for a file with a secret: refused when others than its
 * owner and group may read it or others than its owner may write it.
 * Newlines at its end are cut; a NUL byte is refused. The memory is wiped
 * with the pool.
 */
int io_read_secret(struct pool *pool, const char *path, char **text_out,
    struct err *err);

/* Cuts newlines, also those of DOS, at the end; returns the new length. */
size_t io_cut_newlines(char *text, size_t n);

/*
 * Writes a new file beside path, syncs it and renames it to path, so that a
 * reader sees the old or the new content, also after a crash.
 */
int io_write_file(const char *path, const void *p, size_t n, mode_t mode,
    struct err *err);

/* The same; the file has this owner before anybody sees it. */
int io_write_file_for(uid_t uid, gid_t gid, const char *path, const void *p,
    size_t n, mode_t mode, struct err *err);

/* The same as io_write_file(), but E_EXISTS if there is anything at path. */
int io_write_new_file(
    const char *path, const void *p, size_t n, mode_t mode, struct err *err);

/* Makes the entries of a folder durable. */
int io_sync_dir(const char *path, struct err *err);

/*
 * Makes a folder and its parents; one that exists is fine. E_EXISTS if there
 * is something else at path.
 */
int io_make_dirs(const char *path, mode_t mode, struct err *err);

/* Closes *fd if it is open and sets it to -1. */
void io_close(int *fd);

#endif
