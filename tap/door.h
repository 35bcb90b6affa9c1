/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the lane sleeps without missing a packet, and how the source wakes it without a system call per batch.
 *
 * Both sides exchange the same word, so one comes after the other in its order. If the source came first, the
 * lane's exchange reads what the source's wrote and therefore sees what was published before it; if the lane came
 * first, the source finds it asleep and wakes it. The futex compares the word again, so a wake between the look
 * and the sleep is not lost either.
 */
#ifndef TAP_DOOR_H
#define TAP_DOOR_H

#include <linux/futex.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* After publishing. Source thread, or whoever wants the lane to look. */
static inline void door_knock(uint32_t *door)
{
	/* pair: tap.door -- release (and acquire); the other end is door_shut(), below. */
	if (__atomic_exchange_n(door, 0, __ATOMIC_ACQ_REL) == 1)
		syscall(SYS_futex, door, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* About to sleep: look once more at the ring after this. Lane thread. */
static inline void door_shut(uint32_t *door)
{
	/* pair: tap.door -- acquire (and release); the other end is door_knock(), above. */
	__atomic_exchange_n(door, 1, __ATOMIC_ACQ_REL);
}

/* Sleep until a knock, at most this long. Lane thread, parked. */
static inline void door_wait(uint32_t *door, long timeout_ns)
{
	struct timespec timeout = { .tv_nsec = timeout_ns };

	syscall(SYS_futex, door, FUTEX_WAIT_PRIVATE, 1, &timeout, NULL, 0);
}

#endif
