/* SPDX-License-Identifier: BSD-2-Clause */
/* The threads that write the sinks out. Who owns what: tap/sink-impl.h. */
#include "sink-impl.h"
#include "door.h"
#include "say.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { GATHER = 64, OPEN_TRIES = 1000, NAP_NS = 200 * 1000, SLEEP_NS = 5 * 1000 * 1000 };

/* Whether a write of up to PIPE_BUF bytes returns at once. */
static bool writable(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };

	return poll(&ready, 1, 0) > 0;
}

/* Nothing more is written there. The main sink's end is the tap's; without an audit or a diagnosis the tap goes on. */
void sink_fail(struct tap_sink *sink, int error)
{
	struct tap_writer *writer = sink->writer;

	sink->failed = true;
	if (!sink->main && error == EPIPE)
		return;   /* whoever read our stderr has gone, and so could not read this either */
	if (!sink->main) {
		/* relaxed: asked for when the writer has ended. */
		croom_set_relaxed(&writer->other_failed, 1);
		if (writable(STDERR_FILENO))
			tap_say("cannot write to %s: %s; going on without it", sink->path, strerror(error));
		return;
	}
	pthread_mutex_lock(&writer->mutex);
	if (!writer->error) {
		snprintf(writer->error_text, sizeof(writer->error_text), "%s: %s", sink->path,
			 error == EAGAIN ? "nobody reads it, and it was to end" : strerror(error));
		/* relaxed: main asks again and again; the text is under the mutex. */
		croom_set_relaxed(&writer->error, error);
	}
	pthread_mutex_unlock(&writer->mutex);
}

static void count(uint64_t *figure, uint64_t more)
{
	/* relaxed: one writer, a figure for people. */
	croom_set_relaxed(figure, *figure + more);
}

/* A reader that does not come: what is left counts as unwritten. */
static void give_up(struct tap_sink *sink)
{
	/* relaxed: asked for when the writer has ended. */
	croom_set_relaxed(&sink->writer->gave_up, 1);
	if (!sink->failed)
		sink_fail(sink, EAGAIN);
}

/* tap_writer_hurry() was called, and a write would wait. */
static bool over(const struct tap_sink *sink)
{
	/* relaxed: a request; nothing is read behind it. */
	return sink->main && croom_get_relaxed(&sink->writer->hurry) && !writable(sink->fd);
}

/*
 * Write all of it, whatever it takes; after an error, count what is not written. How many parts were. A patient sink's is over,
 * too, when no more is taken; then `part` is what is left. Writer thread.
 */
static int write_out(struct tap_sink *sink, struct iovec *part, int parts)
{
	int whole = 0;

	while (parts) {
		ssize_t done;

		if (!sink->failed && over(sink))
			give_up(sink);
		done = sink->failed ? -1 : writev(sink->fd, part, parts);
		if (done < 0 && !sink->failed) {
			if (errno == EINTR)
				continue;
			if (errno == EAGAIN && sink->patient)
				return whole;
			if (errno == EAGAIN) {
				sleep_ns(1000000);
				continue;
			}
			sink_fail(sink, errno);
		}
		if (sink->failed) {
			for (int i = 0; i < parts; i++)
				count(&sink->by->unwritten, part[i].iov_len);
			return whole;
		}
		count(&sink->by->bytes, (uint64_t)done);
		for (; parts && (size_t)done >= part->iov_len; part++, parts--, whole++)
			done -= (ssize_t)part->iov_len;
		if (parts) {
			part->iov_base = (char *)part->iov_base + done;
			part->iov_len -= (size_t)done;
		}
	}
	return whole;
}

/* The next file of a split output: FILE.1, FILE.2, ... the first that does not exist. */
static void open_next(struct tap_sink *sink)
{
	char name[4096];
	int fd = -1;

	if (!sink->own_fd || sink->failed)
		return;
	for (int i = 0; i < OPEN_TRIES && fd < 0; i++) {
		snprintf(name, sizeof(name), "%s.%u", sink->path, ++sink->part);
		fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	if (fd < 0) {
		sink_fail(sink, errno);
		return;
	}
	close(sink->fd);
	sink->fd = fd;
}

/* Write what the lane has handed over; returns whether there was anything. Writer thread. */
static bool sink_drain(struct tap_sink *sink)
{
	struct iovec part[GATHER];
	uint64_t packets[GATHER];
	bool any = false;
	int parts;

	if (!croom_ring_fetch(sink->ring))
		return false;
	do {
		const char *from;
		bool split = false;
		size_t length;
		int whole;

		for (parts = 0; parts < GATHER && !split && (from = croom_ring_peek(sink->ring, &length)); ) {
			uint64_t word = *(const uint64_t *)(const void *)from;

			split = word == SPLIT;
			if (!split) {
				packets[parts] = word >> PACKETS_SHIFT;
				part[parts].iov_base = (char *)(uintptr_t)from + WORD;
				part[parts++].iov_len = length - WORD;
			}
			croom_ring_next(sink->ring);
			any = true;
		}
		for (whole = parts ? write_out(sink, part, parts) : 0; whole < parts; whole++)
			count(&sink->by->unwritten_packets, packets[whole]);
		croom_ring_release(sink->ring);
		if (split) {
			open_next(sink);
			parts = 1;
		}
	} while (parts);
	return any;
}

/*
 * The same where a write may wait for a reader, as a pipe's does, and all other outputs with it: only what is taken at
 * once. The rest stays on the ring; when that is full, a lossy sink refuses.
 */
static bool sink_trickle(struct tap_sink *sink)
{
	const char *from;
	bool any = false;
	size_t length;

	croom_ring_fetch(sink->ring);
	while ((from = croom_ring_peek(sink->ring, &length)) && (sink->failed || writable(sink->fd))) {
		size_t left = length - WORD - sink->taken, some = left < PIPE_BUF ? left : PIPE_BUF;
		struct iovec part = { .iov_base = (char *)(uintptr_t)from + WORD + sink->taken, .iov_len = some };

		/* A terminal that takes something need not take all of it. */
		if (write_out(sink, &part, 1) == 0 && !sink->failed)
			some -= part.iov_len;
		if (some == 0)
			break;
		any = true;
		sink->taken += some;
		if (some < left)
			continue;
		sink->taken = 0;
		croom_ring_next(sink->ring);
		croom_ring_release(sink->ring);
	}
	return any;
}

/* The sink is empty and stays so: let go of it. Writer thread. */
static void sink_leave(struct tap_writer *writer, struct tap_sink *sink)
{
	pthread_mutex_lock(&writer->mutex);
	for (unsigned i = 0; i < SINKS_MAX; i++)
		if (writer->sink[i] == sink)
			writer->sink[i] = NULL;
	sink->gone = true;
	pthread_cond_broadcast(&writer->left);
	pthread_mutex_unlock(&writer->mutex);
}

/* Once over all its sinks; returns whether there was anything. Writer thread. */
static bool look(const struct writer_thread *own)
{
	struct tap_writer *writer = own->writer;
	struct tap_sink *sink[SINKS_MAX];
	bool any = false;

	/* Those of the other thread may go as soon as it has let go of them. */
	pthread_mutex_lock(&writer->mutex);
	for (unsigned i = 0; i < SINKS_MAX; i++)
		sink[i] = writer->sink[i] && writer->sink[i]->by == own ? writer->sink[i] : NULL;
	pthread_mutex_unlock(&writer->mutex);
	for (unsigned i = 0; i < SINKS_MAX; i++) {
		size_t length;
		int closing;

		if (!sink[i])
			continue;
		/* pair: sink.closing -- acquire; the release is in let_go(), sink.c: after the last chunk. */
		closing = croom_get_acquire(sink.closing.look, &sink[i]->closing);
		if (closing == GIVE_UP)
			give_up(sink[i]);
		any |= sink[i]->patient ? sink_trickle(sink[i]) : sink_drain(sink[i]);
		if (closing && !croom_ring_peek(sink[i]->ring, &length))
			sink_leave(writer, sink[i]);
	}
	return any;
}

/*
 * What a busy lane hands over is gathered for NAP_NS, so that a write takes much of it. When nothing has come by then, the
 * lane, about to sleep, wakes this thread; a lane that stays busy does not, so no sleep is longer than SLEEP_NS.
 */
static void *writer_run(void *arg)
{
	struct writer_thread *own = arg;
	enum door door = DOOR_OPEN;
	long pause_ns = NAP_NS;

	for (;;) {
		bool stop;

		if (door != DOOR_OPEN)
			door_shut(&own->door, door);
		/* relaxed: all sinks are closed by then. The door shows it: the exchange there comes before this. */
		stop = croom_get_relaxed(&own->writer->stop);
		if (look(own)) {
			door = DOOR_OPEN;
			pause_ns = NAP_NS;
		} else if (stop) {
			return NULL;
		} else if (door == DOOR_OPEN) {
			door = DOOR_NAP;
		} else {
			door_wait(&own->door, door, pause_ns);
			door = DOOR_SHUT;
			pause_ns = pause_ns < SLEEP_NS ? pause_ns * 2 : pause_ns;
		}
	}
}

int writer_begin(struct tap_writer *writer, struct writer_thread *own)
{
	sigset_t all, old;
	int rc;

	if (own->started)
		return 0;
	own->writer = writer;
	/* Signals are for others, also those that are not blocked yet; but a kick ends the write of the main sink. */
	sigfillset(&all);
	if (own == &writer->main)
		sigdelset(&all, TAP_KICK);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&own->thread, NULL, writer_run, own);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc)
		return -rc;
	pthread_setname_np(own->thread, own == &writer->main ? "writer" : "writer, other");
	own->started = true;
	return 0;
}

int tap_writer_start(struct tap_writer **out)
{
	struct tap_writer *writer = calloc(1, sizeof(*writer));
	pthread_condattr_t monotonic;
	int rc;

	if (!writer)
		return -ENOMEM;
	pthread_mutex_init(&writer->mutex, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&writer->left, &monotonic);
	pthread_condattr_destroy(&monotonic);
	rc = writer_begin(writer, &writer->main);
	if (rc) {
		free(writer);
		return rc;
	}
	*out = writer;
	return 0;
}

static void end_thread(struct writer_thread *own)
{
	if (!own->started)
		return;
	door_call(&own->door);
	pthread_join(own->thread, NULL);
}

void tap_writer_stop(struct tap_writer *writer)
{
	/* relaxed: see writer_run(). */
	croom_set_relaxed(&writer->stop, 1);
	end_thread(&writer->main);
	end_thread(&writer->other);
}

void tap_writer_hurry(struct tap_writer *writer)
{
	/* relaxed: a request; nothing is read behind it. */
	croom_set_relaxed(&writer->hurry, 1);
	/* While the sink is on the list its thread is there. */
	pthread_mutex_lock(&writer->mutex);
	for (unsigned i = 0; i < SINKS_MAX; i++)
		if (writer->sink[i] && writer->sink[i]->main)
			pthread_kill(writer->main.thread, TAP_KICK);
	pthread_mutex_unlock(&writer->mutex);
}

void tap_writer_wake(struct tap_writer *writer)
{
	door_knock(&writer->main.door);
	door_knock(&writer->other.door);
}

void tap_writer_spin(struct tap_writer *writer)
{
	writer->spin = true;
}

int tap_writer_error(struct tap_writer *writer, char *text, size_t size)
{
	int error;

	pthread_mutex_lock(&writer->mutex);
	error = writer->error;
	snprintf(text, size, "%s", writer->error_text);
	pthread_mutex_unlock(&writer->mutex);
	return error;
}

bool tap_writer_other_failed(struct tap_writer *writer)
{
	/* relaxed: asked for when the writer has ended. */
	return croom_get_relaxed(&writer->other_failed);
}

bool tap_writer_gave_up(struct tap_writer *writer)
{
	/* relaxed: asked for when the writer has ended. */
	return croom_get_relaxed(&writer->gave_up);
}

bool tap_writer_hung_up(struct tap_writer *writer)
{
	/* relaxed: the last word on it is asked for when the writer is idle. */
	return croom_get_relaxed(&writer->error) == EPIPE;
}

static uint64_t figure(const uint64_t *of_main, const uint64_t *of_other)
{
	/* relaxed: figures for people. */
	return croom_get_relaxed(of_main) + croom_get_relaxed(of_other);
}

uint64_t tap_writer_bytes(struct tap_writer *writer)
{
	return figure(&writer->main.bytes, &writer->other.bytes);
}

uint64_t tap_writer_unwritten_packets(struct tap_writer *writer)
{
	return figure(&writer->main.unwritten_packets, &writer->other.unwritten_packets);
}

uint64_t tap_writer_unwritten(struct tap_writer *writer)
{
	return figure(&writer->main.unwritten, &writer->other.unwritten);
}
