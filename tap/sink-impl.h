/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sinks (sink.c) and the two threads that write them out (writer.c): what they share. The main output has a thread of its own,
 * for it is the only one whose reader may hold it up; all others are written by the other thread, which never waits for a reader.
 * So who closes a handler's output waits for no other.
 *
 * Lane thread: `chunk`, `used`, `capacity`, `dirty` and the producer side of `ring`, until tap_sink_take(). The sink's writer
 * thread: the consumer side of `ring`, `fd`, `part`, `failed`, `taken`. Control thread: opens, and closes by setting `closing`
 * and waiting for `gone`. `mutex` guards the list of sinks, `gone` and the error only and is never held during a write or by
 * the lane.
 *
 * A chunk on the ring starts with one word: DATA + how many packets are in it << PACKETS_SHIFT, or SPLIT (nothing
 * follows: open the next file).
 */
#ifndef TAP_SINK_IMPL_H
#define TAP_SINK_IMPL_H

#include "tap.h"
#include <time.h>

enum { SINKS_MAX = 32, WORD = 8 };
enum { DATA = 1, SPLIT = 2, PACKETS_SHIFT = 8 };
enum { CLOSING = 1, GIVE_UP = 2 };

/* One thread, for the main sink or for all others. Its own: the counts. */
struct writer_thread {
	struct tap_writer *writer;
	pthread_t thread;
	bool started;                /* control, and main at the start and the end */
	uint32_t door;               /* see tap/door.h */
	uint64_t bytes, unwritten, unwritten_packets;
};

struct tap_sink {
	struct tap_writer *writer;
	struct writer_thread *by;    /* who writes it */
	struct croom_ring *ring;
	bool lossy, main, split;
	bool patient;                /* not a file, and not the main output: never waited for, see writer.c */
	/* lane */
	char *chunk;
	size_t used, capacity;
	uint64_t packets;            /* in this chunk */
	bool dirty;
	bool any, ever;              /* something was committed: since the last split, at all */
	uint32_t kind;               /* of the last capture file header since the last split, 0: there is none */
	uint64_t refused;
	/* writer */
	int fd;
	bool own_fd;
	char *path;                  /* or "standard output", "standard error" */
	unsigned part;               /* of a split output: 0, 1, 2, ... */
	bool failed;
	size_t taken;                /* of a patient sink's first chunk: written so far */
	/* control */
	int closing;
	bool gone;                   /* under mutex: the writer has let go of it */
};

struct tap_writer {
	struct writer_thread main, other;    /* other: from when there is a sink for it */
	pthread_mutex_t mutex;
	pthread_cond_t left;                 /* a sink is `gone` */
	struct tap_sink *sink[SINKS_MAX];
	int stop;
	bool spin;
	struct tap_sink *dirty[SINKS_MAX];   /* the lane's: with a chunk that is not handed over */
	unsigned dirties;
	int error;                           /* the main sink's; under mutex */
	char error_text[256];
	int other_failed, gave_up;
	int hurry;                           /* what the main sink's reader does not take at once is given up */
};

/* writer.c. 0 or -errno. Control thread, or main before there is one. */
int writer_begin(struct tap_writer *writer, struct writer_thread *thread);
/* writer.c: the sink cannot be written to. Writer thread, or whoever closes it after that has let go. */
void sink_fail(struct tap_sink *sink, int error);

static inline void sleep_ns(long ns)
{
	struct timespec pause = { .tv_nsec = ns };

	nanosleep(&pause, NULL);
}

#endif
