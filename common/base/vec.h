/*
 * A typed growable array on a pool, with a ceiling.
 *
 *	VEC(struct tag) tags = VEC_INIT(1000);
 *	if (!VEC_PUSH(&tags, pool, tag))
 *		return err_set(err, E_TOOBIG, "more than 1000 tags");
 *	for (size_t i = 0; i < tags.count; i++)
 *		use(&tags.items[i]);
 */
#ifndef COMMON_BASE_VEC_H
#define COMMON_BASE_VEC_H

#include "common/base/pool.h"

#define VEC(type) \
	struct { \
		type *items; \
		size_t count; \
		size_t size; \
		size_t max; \
	}

#define VEC_INIT(maximum) \
	{ \
		.max = (maximum) \
	}

/* Appends a copy of item; false when the ceiling is reached. */
#define VEC_PUSH(vec, pool, item) \
	((vec)->count < (vec)->max && \
	    ((vec)->count < (vec)->size || \
		((vec)->items = vec_grow_((pool), (vec)->items, \
		     (vec)->count, &(vec)->size, sizeof(*(vec)->items))) != \
		    NULL) && \
	    ((vec)->items[(vec)->count++] = (item), true))

static inline void *
vec_grow_(struct pool *pool, void *items, size_t count, size_t *size,
    size_t item_size)
{
	void *grown;

	*size = *size > 0 ? *size * 2 : 8;
	grown = pool_array(pool, *size, item_size);
	if (count > 0)
		memcpy(grown, items, count * item_size);
	return grown;
}

#endif
