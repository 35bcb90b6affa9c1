/* SPDX-License-Identifier: BSD-2-Clause */
/* Sinks: what a handler writes goes in chunks to the writer thread. Who owns what: tap/sink-impl.h. */
#include "sink-impl.h"
#include "door.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAIN_RING = 1024 * 1024, OWN_RING = 1024 * 1024, CHUNK = 64 * 1024 };
enum { CLOSE_PATIENCE_S = 1 };

/* The place for one more in the writer's list, or NULL. Opens come one after the other: from the room, or before it. */
static struct tap_sink **free_place(struct tap_writer *writer)
{
	struct tap_sink **place = NULL;

	pthread_mutex_lock(&writer->mutex);
	for (unsigned i = 0; i < SINKS_MAX && !place; i++)
		if (!writer->sink[i])
			place = &writer->sink[i];
	pthread_mutex_unlock(&writer->mutex);
	return place;
}

/* All that can fail but the file itself: so where there was no file and this fails, none is left. */
static int sink_new(struct tap_sink **out, struct tap_writer *writer, size_t bytes, const char *path)
{
	bool room = free_place(writer) != NULL;
	struct tap_sink *sink = room ? calloc(1, sizeof(*sink)) : NULL;
	int rc = !room ? -ENFILE : sink ? croom_ring_open(&sink->ring, bytes) : -ENOMEM;

	if (rc == 0 && !(sink->path = strdup(path)))
		rc = -ENOMEM;
	if (rc && sink) {
		croom_ring_close(sink->ring);
		free(sink);
	}
	*out = rc ? NULL : sink;
	return rc;
}

static void sink_free(struct tap_sink *sink)
{
	croom_ring_close(sink->ring);
	free(sink->path);
	free(sink);
}

/* Is this file being written to by another sink, perhaps right now? */
static bool shared(struct tap_writer *writer, int fd)
{
	struct stat about, other;
	bool found = fstat(fd, &about) != 0;

	pthread_mutex_lock(&writer->mutex);
	for (unsigned i = 0; i < SINKS_MAX && !found; i++)
		found = writer->sink[i] && !writer->sink[i]->main && fstat(writer->sink[i]->fd, &other) == 0 &&
			about.st_dev == other.st_dev && about.st_ino == other.st_ino;
	pthread_mutex_unlock(&writer->mutex);
	return found;
}

/* From here on the writer has it. */
static void sink_start(struct tap_sink *sink, struct tap_writer *writer, int fd)
{
	struct tap_sink **place = free_place(writer);
	struct stat about;

	assert(place);
	sink->writer = writer;
	sink->by = sink->main ? &writer->main : &writer->other;
	sink->fd = fd;
	sink->patient = !sink->main && !(fstat(fd, &about) == 0 && S_ISREG(about.st_mode));
	pthread_mutex_lock(&writer->mutex);
	*place = sink;
	pthread_mutex_unlock(&writer->mutex);
}

int tap_sink_open(struct tap_sink **out, struct tap_writer *writer, const char *path, int fd, bool lossy,
		  struct croom_error *err)
{
	struct tap_sink *sink;
	int rc = sink_new(&sink, writer, OWN_RING, path ? path : "standard error"), terminal;

	*out = NULL;
	if (rc)
		return croom_error_set(err, rc, CROOM_ERROR_OTHER, NULL, "no room for another output: %s", strerror(-rc));
	rc = writer_begin(writer, &writer->other);
	if (rc) {
		sink_free(sink);
		return croom_error_set(err, rc, CROOM_ERROR_OTHER, NULL, "cannot start the thread that writes it: %s", strerror(-rc));
	}
	if (path) {
		fd = tap_open_append(path, err);
		if (fd < 0) {
			sink_free(sink);
			return fd;
		}
		if (!shared(writer, fd))
			tap_end_line(fd, path);
	}
	terminal = path ? -1 : tap_open_terminal(fd);
	fd = terminal < 0 ? fd : terminal;
	sink->own_fd = path || terminal >= 0;
	sink->lossy = lossy;
	sink_start(sink, writer, fd);
	*out = sink;
	return 0;
}

int tap_sink_open_main(struct tap_sink **sink, struct tap_writer *writer, const char *path, int fd, bool split)
{
	bool file = strcmp(path, "-") != 0;
	int rc = sink_new(sink, writer, MAIN_RING, file ? path : "standard output");

	if (rc)
		return rc;
	(*sink)->main = true;
	(*sink)->own_fd = file;
	(*sink)->split = split && file;
	sink_start(*sink, writer, fd);
	return 0;
}

/* Hand over the sink's chunk. Lane thread, and close. */
static void chunk_end(struct tap_sink *sink)
{
	if (!sink->chunk)
		return;
	if (sink->used) {
		((uint64_t *)(void *)sink->chunk)[-1] = DATA | sink->packets << PACKETS_SHIFT;
		croom_ring_commit(sink->ring, WORD + sink->used);
		croom_ring_publish(sink->ring);
	}
	sink->chunk = NULL;
}

/* Tell the writer, and wait until it does not touch the sink any more: whether it does not. */
static bool let_go(struct tap_sink *sink, int closing, const struct timespec *until)
{
	struct tap_writer *writer = sink->writer;
	int rc = 0;

	/* pair: sink.closing -- release; the acquire is in look(), writer.c. */
	croom_set_release(sink.closing.let_go, &sink->closing, closing);
	door_call(&sink->by->door);
	pthread_mutex_lock(&writer->mutex);
	while (!sink->gone && rc == 0)
		rc = until ? pthread_cond_timedwait(&writer->left, &writer->mutex, until) :
			pthread_cond_wait(&writer->left, &writer->mutex);
	pthread_mutex_unlock(&writer->mutex);
	return rc == 0;
}

void tap_sink_close(struct tap_sink *sink)
{
	struct timespec until;

	if (!sink)
		return;
	chunk_end(sink);   /* of one that was taken: the lane has handed over all of its own */
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += CLOSE_PATIENCE_S;
	if (!let_go(sink, CLOSING, sink->patient ? &until : NULL))
		let_go(sink, GIVE_UP, NULL);
	/* Some file systems tell only now that they are full. */
	if (sink->own_fd && close(sink->fd) && !sink->failed)
		sink_fail(sink, errno);
	sink_free(sink);
}

/* Room on the ring, waiting for the writer unless the sink is lossy. Lane thread. */
static void *chunk_room(struct tap_sink *sink, size_t bytes)
{
	void *room;
	unsigned tries = 0;

	while (!(room = croom_ring_try_reserve(sink->ring, bytes)) && !sink->lossy) {
		if (sink->writer->spin || ++tries < 1000)
			pause_cpu();
		else {
			door_knock(&sink->by->door);
			sleep_ns(50000);
		}
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
	sink->chunk = (char *)(room + 1);
	sink->used = 0;
	sink->packets = 0;
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

void tap_sink_count(struct tap_sink *sink)
{
	sink->packets++;
}

void tap_sink_take(struct tap_sink *sink)
{
	/* As if it were on the lane's list, which is the lane's. */
	sink->dirty = true;
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
	sink->kind = 0;
	chunk_end(sink);
	room = chunk_room(sink, WORD);
	if (!room)
		return;
	*room = SPLIT;
	croom_ring_commit(sink->ring, WORD);
	croom_ring_publish(sink->ring);
}

bool tap_sink_begin(struct tap_sink *sink, uint32_t kind)
{
	tap_sink_split(sink);
	if (sink->kind == kind)
		return false;
	sink->kind = kind;
	return true;
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
