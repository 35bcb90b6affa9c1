/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sinks and the one thread that writes them out.
 *
 * Lane thread: `chunk`, `used`, `capacity`, `dirty` and the producer side of `ring`. Writer thread: the consumer
 * side of `ring`, `fd`, `part`, `failed`. Control thread: opens, and closes by setting `closing` and waiting for
 * `gone`. `mutex` guards the list of sinks only and is never held during a write or by the lane.
 *
 * A chunk on the ring starts with one word: DATA, or SPLIT (nothing follows: open the next file).
 */
#include "tap.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { SINKS_MAX = 32, GATHER = 64, WORD = 8, MAIN_RING = 2 * 1024 * 1024, OWN_RING = 1024 * 1024,
       CHUNK = 64 * 1024, OPEN_TRIES = 1000 };
enum { DATA = 1, SPLIT = 2 };

struct tap_sink {
	struct tap_writer *writer;
	struct croom_ring *ring;
	bool lossy, main, split;
	/* lane */
	char *chunk;
	size_t used, capacity;
	bool dirty;
	bool any, ever;              /* something was committed: since the last split, at all */
	uint64_t refused;
	/* writer */
	int fd;
	bool own_fd;
	char *path;                  /* or "standard output", "standard error" */
	unsigned part;               /* of a split output: 0, 1, 2, ... */
	bool failed;
	/* control */
	int closing, gone;
};

struct tap_writer {
	pthread_t thread;
	pthread_mutex_t mutex;
	struct tap_sink *sink[SINKS_MAX];
	int stop;
	bool spin;
	struct tap_sink *dirty[SINKS_MAX];   /* the lane's: with a chunk that is not handed over */
	unsigned dirties;
	int error;                           /* the main sink's; under mutex */
	char error_text[256];
	int other_failed;
	uint64_t bytes, unwritten;
};

static void sleep_ns(long ns)
{
	struct timespec pause = { .tv_nsec = ns };

	nanosleep(&pause, NULL);
}

static inline void pause_cpu(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* Nothing more is written there. The main sink's end is the tap's; without an audit or a diagnosis the tap goes on. */
static void sink_fail(struct tap_sink *sink, int error)
{
	struct tap_writer *writer = sink->writer;

	sink->failed = true;
	if (!sink->main && error == EPIPE)
		return;   /* whoever read our stderr has gone, and so could not read this either */
	if (!sink->main) {
		/* relaxed: asked for when the writer has ended. */
		croom_set_relaxed(&writer->other_failed, 1);
		fprintf(stderr, "croomtap: cannot write to %s: %s; going on without it\n", sink->path, strerror(error));
		return;
	}
	pthread_mutex_lock(&writer->mutex);
	if (!writer->error) {
		snprintf(writer->error_text, sizeof(writer->error_text), "%s: %s", sink->path, strerror(error));
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

/* Write all of it, whatever it takes; after an error, count what is not written. Writer thread. */
static void write_out(struct tap_sink *sink, struct iovec *part, int parts)
{
	struct tap_writer *writer = sink->writer;

	while (parts) {
		ssize_t done = sink->failed ? -1 : writev(sink->fd, part, parts);

		if (done < 0 && !sink->failed) {
			if (errno == EINTR)
				continue;
			if (errno == EAGAIN) {
				sleep_ns(1000000);
				continue;
			}
			sink_fail(sink, errno);
		}
		if (sink->failed) {
			for (int i = 0; i < parts; i++)
				count(&writer->unwritten, part[i].iov_len);
			return;
		}
		count(&writer->bytes, (uint64_t)done);
		for (; parts && (size_t)done >= part->iov_len; part++, parts--)
			done -= (ssize_t)part->iov_len;
		if (parts) {
			part->iov_base = (char *)part->iov_base + done;
			part->iov_len -= (size_t)done;
		}
	}
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
	bool any = false;
	int parts;

	if (!croom_ring_fetch(sink->ring))
		return false;
	do {
		const char *from;
		bool split = false;
		size_t length;

		for (parts = 0; parts < GATHER && !split && (from = croom_ring_peek(sink->ring, &length)); ) {
			split = *(const uint64_t *)(const void *)from == SPLIT;
			if (!split) {
				part[parts].iov_base = (char *)(uintptr_t)from + WORD;
				part[parts++].iov_len = length - WORD;
			}
			croom_ring_next(sink->ring);
			any = true;
		}
		if (parts)
			write_out(sink, part, parts);
		croom_ring_release(sink->ring);
		if (split) {
			open_next(sink);
			parts = 1;
		}
	} while (parts);
	return any;
}

/* The sink is empty and stays so: let go of it. Writer thread. */
static void sink_leave(struct tap_writer *writer, struct tap_sink *sink)
{
	pthread_mutex_lock(&writer->mutex);
	for (unsigned i = 0; i < SINKS_MAX; i++)
		if (writer->sink[i] == sink)
			writer->sink[i] = NULL;
	pthread_mutex_unlock(&writer->mutex);
	/* pair: sink.gone -- release; the acquire is in tap_sink_close(), below. */
	croom_set_release(&sink->gone, 1);
}

static void *writer_run(void *arg)
{
	struct tap_writer *writer = arg;
	long pause_ns = 0;

	for (;;) {
		/* pair: writer.stop -- acquire; the release is in tap_writer_stop(), below. Nothing comes after it. */
		bool stop = croom_get_acquire(&writer->stop), any = false;
		struct tap_sink *sink[SINKS_MAX];

		pthread_mutex_lock(&writer->mutex);
		memcpy(sink, writer->sink, sizeof(sink));
		pthread_mutex_unlock(&writer->mutex);
		for (unsigned i = 0; i < SINKS_MAX; i++) {
			int closing;

			if (!sink[i])
				continue;
			/* pair: sink.closing -- acquire; the release is in tap_sink_close(), below: after the last chunk. */
			closing = croom_get_acquire(&sink[i]->closing);
			any |= sink_drain(sink[i]);
			if (closing)
				sink_leave(writer, sink[i]);
		}
		if (any) {
			pause_ns = 0;
			continue;
		}
		if (stop)
			return NULL;
		/* Half a millisecond behind a busy lane, five behind an idle one. */
		pause_ns = pause_ns < 200000 ? 200000 : pause_ns < 5000000 ? pause_ns * 2 : pause_ns;
		sleep_ns(pause_ns);
	}
}

int tap_writer_start(struct tap_writer **out)
{
	struct tap_writer *writer = calloc(1, sizeof(*writer));
	sigset_t all, old;
	int rc;

	if (!writer)
		return -ENOMEM;
	pthread_mutex_init(&writer->mutex, NULL);
	/* Signals are for others, also those that are not blocked yet. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&writer->thread, NULL, writer_run, writer);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc) {
		free(writer);
		return -rc;
	}
	pthread_setname_np(writer->thread, "writer");
	*out = writer;
	return 0;
}

void tap_writer_stop(struct tap_writer *writer)
{
	/* pair: writer.stop -- release; the acquire is in writer_run(), above. */
	croom_set_release(&writer->stop, 1);
	pthread_join(writer->thread, NULL);
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

bool tap_writer_hung_up(struct tap_writer *writer)
{
	/* relaxed: the last word on it is asked for when the writer is idle. */
	return croom_get_relaxed(&writer->error) == EPIPE;
}

uint64_t tap_writer_bytes(struct tap_writer *writer)
{
	/* relaxed: a figure for people. */
	return croom_get_relaxed(&writer->bytes);
}

uint64_t tap_writer_unwritten(struct tap_writer *writer)
{
	/* relaxed: a figure for people. */
	return croom_get_relaxed(&writer->unwritten);
}

static int sink_new(struct tap_sink **out, struct tap_writer *writer, size_t bytes, int fd, const char *path)
{
	struct tap_sink *sink = calloc(1, sizeof(*sink));
	int rc = sink ? croom_ring_open(&sink->ring, bytes) : -ENOMEM;

	if (rc == 0 && !(sink->path = strdup(path)))
		rc = -ENOMEM;
	if (rc == 0) {
		sink->writer = writer;
		sink->fd = fd;
		rc = -ENFILE;
		pthread_mutex_lock(&writer->mutex);
		for (unsigned i = 0; i < SINKS_MAX && rc; i++)
			if (!writer->sink[i]) {
				writer->sink[i] = sink;
				rc = 0;
			}
		pthread_mutex_unlock(&writer->mutex);
	}
	if (rc && sink) {
		croom_ring_close(sink->ring);
		free(sink->path);
		free(sink);
	}
	*out = rc ? NULL : sink;
	return rc;
}

int tap_sink_open(struct tap_sink **sink, struct tap_writer *writer, const char *path, int fd, bool lossy,
		  struct croom_error *err)
{
	int rc;

	if (path) {
		fd = tap_open_append(path, err);
		if (fd < 0)
			return fd;
	}
	rc = sink_new(sink, writer, OWN_RING, fd, path ? path : "standard error");
	if (rc) {
		if (path)
			close(fd);
		return croom_error_set(err, rc, CROOM_ERROR_OTHER, NULL, "no room for another output: %s", strerror(-rc));
	}
	(*sink)->own_fd = path != NULL;
	(*sink)->lossy = lossy;
	return 0;
}

int tap_sink_open_main(struct tap_sink **sink, struct tap_writer *writer, const char *path, int fd, bool split)
{
	bool file = strcmp(path, "-") != 0;
	int rc = sink_new(sink, writer, MAIN_RING, fd, file ? path : "standard output");

	if (rc)
		return rc;
	(*sink)->main = true;
	(*sink)->own_fd = file;
	(*sink)->split = split;
	return 0;
}

void tap_sink_close(struct tap_sink *sink)
{
	if (!sink)
		return;
	/* pair: sink.closing -- release; the acquire is in writer_run(), above. */
	croom_set_release(&sink->closing, 1);
	/* pair: sink.gone -- acquire; the release is in sink_leave(), above. The writer does not touch it any more. */
	while (!croom_get_acquire(&sink->gone))
		sleep_ns(200000);
	/* Some file systems tell only now that they are full. */
	if (sink->own_fd && close(sink->fd) && !sink->failed)
		sink_fail(sink, errno);
	croom_ring_close(sink->ring);
	free(sink->path);
	free(sink);
}

/* Hand over the sink's chunk. Lane thread. */
static void chunk_end(struct tap_sink *sink)
{
	if (!sink->chunk)
		return;
	if (sink->used) {
		croom_ring_commit(sink->ring, WORD + sink->used);
		croom_ring_publish(sink->ring);
	}
	sink->chunk = NULL;
}

/* Room on the ring, waiting for the writer unless the sink is lossy. Lane thread. */
static void *chunk_room(struct tap_sink *sink, size_t bytes)
{
	void *room;
	unsigned tries = 0;

	while (!(room = croom_ring_try_reserve(sink->ring, bytes)) && !sink->lossy) {
		if (sink->writer->spin || ++tries < 1000)
			pause_cpu();
		else
			sleep_ns(50000);
	}
	return room;
}

char *tap_sink_reserve(struct tap_sink *sink, size_t max)
{
	uint64_t *room;

	if (sink->chunk && sink->capacity - sink->used >= max)
		return sink->chunk + sink->used;
	chunk_end(sink);
	sink->capacity = max > CHUNK - WORD ? max : CHUNK - WORD;
	room = chunk_room(sink, WORD + sink->capacity);
	if (!room) {
		/* relaxed: one writer, a figure for people. */
		croom_set_relaxed(&sink->refused, sink->refused + 1);
		return NULL;
	}
	*room = DATA;
	sink->chunk = (char *)(room + 1);
	sink->used = 0;
	if (!sink->dirty) {
		sink->dirty = true;
		sink->writer->dirty[sink->writer->dirties++] = sink;
	}
	return sink->chunk;
}

void tap_sink_commit(struct tap_sink *sink, size_t length)
{
	sink->used += length;
	sink->any = sink->ever = true;
}

bool tap_sink_untouched(const struct tap_sink *sink)
{
	return !sink->ever;
}

void tap_sink_split(struct tap_sink *sink)
{
	uint64_t *room;

	if (!sink->split || !sink->any)
		return;
	sink->any = false;
	chunk_end(sink);
	room = chunk_room(sink, WORD);
	if (!room)
		return;
	*room = SPLIT;
	croom_ring_commit(sink->ring, WORD);
	croom_ring_publish(sink->ring);
}

uint64_t tap_sink_refused(const struct tap_sink *sink)
{
	/* relaxed: a figure for people. */
	return croom_get_relaxed(&sink->refused);
}

void tap_sinks_flush(struct tap_writer *writer)
{
	for (unsigned i = 0; i < writer->dirties; i++) {
		chunk_end(writer->dirty[i]);
		writer->dirty[i]->dirty = false;
	}
	writer->dirties = 0;
}
