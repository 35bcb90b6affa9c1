/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A single-producer single-consumer queue of records of any size. Its memory is mapped twice in a row, so that a
 * record is always contiguous: it is built and read in place.
 *
 *	// producer thread                                  // consumer thread
 *	void *to = croom_ring_reserve(ring, max);           croom_ring_fetch(ring);
 *	if (to) {                                           while ((from = croom_ring_peek(ring, &length))) {
 *		length = build(to, max);                            use(from, length);
 *		croom_ring_commit(ring, length);                    croom_ring_next(ring);
 *	}                                                   }
 *	croom_ring_publish(ring);   // once per batch       croom_ring_release(ring);   // once per batch
 *
 * Neither side ever waits for the other. When there is no room, reserve returns NULL and counts a refusal: drop
 * the record, or try again later (croom_ring_try_reserve() does not count). Indices are 64 bits and wrap.
 */
#ifndef CROOM_RING_H
#define CROOM_RING_H

#include <assert.h>
#include <croom/wire.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Visible for the inline calls below only. Each group is on cache lines of its own. */
struct croom_ring {
	unsigned char *base;                                   /* size bytes, and the same again behind */
	uint64_t size, mask;
	uint64_t head __attribute__((aligned(128)));           /* the producer's: committed */
	uint64_t tail_seen, refused;
	uint64_t published __attribute__((aligned(128)));      /* written by the producer, read by the consumer */
	uint64_t tail __attribute__((aligned(128)));           /* the consumer's: stepped over */
	uint64_t head_seen;
	uint64_t released __attribute__((aligned(128)));       /* written by the consumer, read by the producer */
};

enum { CROOM_RING_HEADER = 8 };

#pragma GCC visibility push(default)

/*
 * Room for `bytes`, rounded up to a power of two of at least a page; faulted in. A limit on the size of files (ulimit -f)
 * does not count. 0, -EINVAL, -ENOMEM, -EMFILE.
 */
int croom_ring_open(struct croom_ring **ring, size_t bytes);

/* The same, with both indices at `start`: what a ring looks like after start bytes. For tests of wrap-around. */
int croom_ring_open_at(struct croom_ring **ring, size_t bytes, uint64_t start);

/* Both threads are done with it. NULL is allowed. */
void croom_ring_close(struct croom_ring *ring);

#pragma GCC visibility pop

static inline uint64_t croom_ring_step(uint64_t length)
{
	return CROOM_RING_HEADER + ((length + 7) & ~UINT64_C(7));
}

/* The longest record that fits into the empty ring; a longer one is always refused. Any thread. */
static inline size_t croom_ring_max_record(const struct croom_ring *ring)
{
	return (size_t)(ring->size - CROOM_RING_HEADER);
}

/* Contiguous room for `length` bytes, 8-byte aligned, or NULL when there is none now. Producer thread. */
static inline void *croom_ring_try_reserve(struct croom_ring *ring, size_t length)
{
	uint64_t need = croom_ring_step(length);

	if (length > croom_ring_max_record(ring))
		return NULL;
	if (ring->size - (ring->head - ring->tail_seen) < need) {
		/* pair: ring.release -- acquire; the release is in croom_ring_release(), below. */
		ring->tail_seen = croom_get_acquire(ring.release.reserve, &ring->released);
		if (ring->size - (ring->head - ring->tail_seen) < need)
			return NULL;
	}
	return ring->base + (ring->head & ring->mask) + CROOM_RING_HEADER;
}

/* The same, and a refusal is counted. Producer thread. */
static inline void *croom_ring_reserve(struct croom_ring *ring, size_t length)
{
	void *room = croom_ring_try_reserve(ring, length);

	if (!room)
		/* relaxed: one writer, a figure for people. */
		croom_set_relaxed(&ring->refused, ring->refused + 1);
	return room;
}

/*
 * The record is `length` bytes, at most what was reserved; it shows after the next publish. Producer thread. What was
 * reserved is not kept: a store more per record is one line less in flight while the processor waits for lines.
 */
static inline void croom_ring_commit(struct croom_ring *ring, size_t length)
{
	assert(croom_ring_step(length) <= ring->size - (ring->head - ring->tail_seen));
	*(uint64_t *)(void *)(ring->base + (ring->head & ring->mask)) = length;
	ring->head += croom_ring_step(length);
}

/* Show everything committed to the consumer: one store for any number of records. Producer thread. */
static inline void croom_ring_publish(struct croom_ring *ring)
{
	/* pair: ring.publish -- release; the acquire is in croom_ring_fetch(), below. The records are complete. */
	croom_set_release(ring.publish.publish, &ring->published, ring->head);
}

/* Take notice of what was published; returns the bytes to read, 0 for none. Consumer thread. */
static inline size_t croom_ring_fetch(struct croom_ring *ring)
{
	/* pair: ring.publish -- acquire; the release is in croom_ring_publish(), above. */
	ring->head_seen = croom_get_acquire(ring.publish.fetch, &ring->published);
	return (size_t)(ring->head_seen - ring->tail);
}

/* The next record that was fetched, or NULL. It stays until croom_ring_release(). Consumer thread. */
static inline const void *croom_ring_peek(const struct croom_ring *ring, size_t *length)
{
	const unsigned char *at = ring->base + (ring->tail & ring->mask);

	if (ring->tail == ring->head_seen)
		return NULL;
	*length = (size_t)*(const uint64_t *)(const void *)at;
	return at + CROOM_RING_HEADER;
}

/* Step over the record that peek returned. Consumer thread. */
static inline void croom_ring_next(struct croom_ring *ring)
{
	assert(ring->tail != ring->head_seen);
	ring->tail += croom_ring_step(*(const uint64_t *)(const void *)(ring->base + (ring->tail & ring->mask)));
}

/* Give the room of all records stepped over back to the producer. Consumer thread. */
static inline void croom_ring_release(struct croom_ring *ring)
{
	/* pair: ring.release -- release; the acquire is in croom_ring_try_reserve(), above. Reading them is over. */
	croom_set_release(ring.release.release, &ring->released, ring->tail);
}

/* Bytes published and not yet released, headers included; a moment's figure. Any thread. */
static inline size_t croom_ring_used(const struct croom_ring *ring)
{
	/* relaxed: two figures of different moments; released first, so that the difference is not negative. */
	uint64_t released = croom_get_relaxed(&ring->released);
	uint64_t used = croom_get_relaxed(&ring->published) - released;

	return (size_t)(used > ring->size ? 0 : used);
}

/* Bytes in all. Any thread. */
static inline size_t croom_ring_size(const struct croom_ring *ring)
{
	return (size_t)ring->size;
}

/* How often croom_ring_reserve() returned NULL. Any thread. */
static inline uint64_t croom_ring_refused(const struct croom_ring *ring)
{
	/* relaxed: a figure for people. */
	return croom_get_relaxed(&ring->refused);
}

#ifdef __cplusplus
}
#endif
#endif
