/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A queue from one thread to another, for records of SIZE bytes. A peer's file defines `struct self` with
 * ring_open(), ring_close(), put() and take(), and includes ring-loops.h; it is compiled once per size.
 *
 * To add one of your own: copy ck-ring.c, which is a dozen lines, and name it in lab/meson.build and in rings.c.
 */
#ifndef LAB_RING_H
#define LAB_RING_H

#include "../lab.h"

#ifdef __cplusplus
extern "C" {
#endif

struct lab_ring {
	const char *name;
	bool ours;
	unsigned size;
	/*
	 * For about this many records: ck's holds one less, the byte ring as many as fit into the next power of two of bytes,
	 * items up to half a kilobyte more.
	 */
	void *(*open)(unsigned capacity);
	void (*close)(void *self);
	/* All of `count` records numbered from `first` on, `burst` at a time. */
	void (*produce)(void *self, uint64_t first, uint64_t count, unsigned burst);
	/* The same on the other side; how many came that were not what and where they should be. */
	uint64_t (*consume)(void *self, uint64_t first, uint64_t count, unsigned burst);
};

extern const struct lab_ring *const lab_rings[];
extern const unsigned lab_rings_count;
void lab_rings_missing(void);

#ifdef SIZE
struct record {
	uint64_t word[(SIZE + 7) / 8];
};

/* Every word depends on the number, so that no part of another record passes for one of this. */
static inline void fill(struct record *record, uint64_t number)
{
	for (unsigned i = 0; i < sizeof(record->word) / 8; i++)
		record->word[i] = number + i * UINT64_C(0x9e3779b97f4a7c15);
}

static inline bool differs(const struct record *record, uint64_t number)
{
	uint64_t different = 0;

	for (unsigned i = 0; i < sizeof(record->word) / 8; i++)
		different |= record->word[i] ^ (number + i * UINT64_C(0x9e3779b97f4a7c15));
	return different != 0;
}
#endif

#ifdef __cplusplus
}
#endif
#endif
