/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * StringRegistry: byte strings get small stable ids, once. One writer interns; any number of readers look ids up
 * without a lock while it goes on. Nothing is ever moved or taken out.
 *
 *	croom_strings_open(&strings, 1 << 20, 64 << 20);
 *	croom_strings_intern(strings, "10.0.0.1:443", 12, &id);    // writer thread
 *	bytes = croom_strings_get(strings, id, &length);           // any thread
 *
 * All memory is reserved at the start and taken page by page as it fills, so the writer may be a data thread: no
 * allocation, no system call. Any bytes are allowed, NUL and the empty string too; each string is followed by a
 * NUL that does not count.
 */
#ifndef CROOM_STRINGS_H
#define CROOM_STRINGS_H

#include <croom/wire.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct croom_strings;

#pragma GCC visibility push(default)

/*
 * A registry of at most max_entries (up to 2^31) strings of at most max_bytes (up to 2^40) in all, one NUL each included.
 * 0, -EINVAL, -ENOMEM.
 */
int croom_strings_open(struct croom_strings **strings, size_t max_entries, size_t max_bytes);

/* No reader is left. NULL is allowed. */
void croom_strings_close(struct croom_strings *strings);

/*
 * The id of these bytes, a new one if they are new: 0, 1, 2, ... in order. Writer thread.
 * 0, or -ENOSPC when a new one does not fit any more (nothing is changed; what is in can still be interned).
 */
int croom_strings_intern(struct croom_strings *strings, const void *bytes, size_t length, uint32_t *id);

/* The id of these bytes if they are in: 0 or -ENOENT. Any thread. */
int croom_strings_find(const struct croom_strings *strings, const void *bytes, size_t length, uint32_t *id);

/* The bytes of an id, NULL if there is no such id (yet). Good until the registry is closed. Any thread. */
const char *croom_strings_get(const struct croom_strings *strings, uint32_t id, size_t *length);

/* Strings, and bytes they take. Any thread. */
size_t croom_strings_count(const struct croom_strings *strings);
size_t croom_strings_bytes(const struct croom_strings *strings);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
