/*
 * Removal of what no row makes visible: uploads that nobody went on with, and
 * objects of the store that nothing needs any more. Both may run on several
 * nodes at once, and be broken off at any point. ARCHITECTURE.md, "Blobs and
 * garbage collection".
 */
#ifndef COMMON_MODEL_GC_H
#define COMMON_MODEL_GC_H

struct blob_store;
struct db;
struct err;

struct gc_result {
	uint64_t removed;
	uint64_t failed; /* objects that could not be removed, tried later */
};

/*
 * Drops uploads that were last touched more than idle_s seconds ago and have
 * no writer. Their objects are doomed and removed by gc_objects() delay_s
 * seconds later. At most max at a call.
 */
int gc_uploads(struct db *db, int64_t idle_s, int64_t delay_s, uint64_t max,
    struct gc_result *out, struct err *err);

/*
 * Removes doomed objects that are due from the store, then their rows, and
 * adds their lengths to gc_freed: one that went when its row could not be
 * deleted any more is not in it. At most max at a call. One that cannot be
 * removed is left for an hour; why it could not is in *last (code 0: nothing
 * failed).
 */
int gc_objects(struct db *db, struct blob_store *store, uint64_t max,
    struct gc_result *out, struct err *last, struct err *err);

#endif
