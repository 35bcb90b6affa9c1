/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a thread sleeps without missing what it sleeps for, and how another wakes it without a system call each time.
 *
 *	// the sleeper                                      // who has something for it
 *	door_shut(&door, DOOR_SHUT);                        publish(what);
 *	if (!look())                                        door_knock(&door);
 *		door_wait(&door, DOOR_SHUT, timeout_ns);
 *
 * Both sides exchange the same word, so one comes after the other in its order. If the knock came first, the
 * sleeper's exchange reads what the other's wrote, or what a later one wrote over it, and therefore sees what was published
 * before it; if the sleeper came first, the other finds the door shut and wakes it, and needs to know nothing more of it. The futex compares the word again, so a wake between the look
 * and the sleep is not lost either.
 *
 * The lane sleeps like that (for packets), a writer (for what the lane hands over, and to let go of a sink) and main
 * (for the lane's end).
 */
#ifndef TAP_DOOR_H
#define TAP_DOOR_H

#include <croom/wire.h>
#include <linux/futex.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum door {
	DOOR_OPEN,
	DOOR_SHUT,
	DOOR_NAP,    /* shut, and a knock is not worth a system call: it will be seen in a moment */
};

static inline uint32_t door_open(uint32_t *door)
{
	/* pair: tap.door -- release; the acquire is in door_shut(), below. */
	return croom_trade_release(tap.door.open, door, DOOR_OPEN);
}

static inline void door_wake(uint32_t *door)
{
	syscall(SYS_futex, door, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* After publishing. Any thread. */
static inline void door_knock(uint32_t *door)
{
	if (door_open(door) == DOOR_SHUT)
		door_wake(door);
}

/* The same, and ends a nap, too, whoever has knocked before. Any thread. */
static inline void door_call(uint32_t *door)
{
	door_open(door);
	door_wake(door);
}

/* About to sleep: look once more after this. The thread whose door it is. */
static inline void door_shut(uint32_t *door, enum door how)
{
	/* pair: tap.door -- acquire; the release is in door_open(), above. */
	croom_trade_acquire(tap.door.shut, door, how);
}

/* Sleep until woken, at most this long. The thread whose door it is. */
static inline void door_wait(uint32_t *door, enum door how, long timeout_ns)
{
	struct timespec timeout = { .tv_nsec = timeout_ns };

	syscall(SYS_futex, door, FUTEX_WAIT_PRIVATE, how, &timeout, NULL, 0);
}

#endif
