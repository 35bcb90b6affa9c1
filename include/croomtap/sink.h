/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where croomtap's handlers put what is to be written. A sink is a byte ring from the lane thread to a writer thread,
 * which alone makes write(2) calls, in batches. Text is packed into chunks of up to TAP_SINK_CHUNK bytes, so a
 * line costs no ring operation of its own.
 *
 *	char *line = tap_sink_reserve(out, MAX);      // lane thread; at most TAP_SINK_MAX
 *	tap_sink_commit(out, length);                 // length <= MAX
 *
 * Ownership: reserve/commit/count/split/begin by the lane thread only; open and close by a control thread (a class's
 * open() and close()), which writes a last word after tap_sink_take(); file descriptors by the writer thread.
 */
#ifndef CROOMTAP_SINK_H
#define CROOMTAP_SINK_H

#include <croom/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	TAP_SINK_CHUNK = 512 * 1024,
	TAP_SINK_MAX = 320 * 1024,  /* a packet of the largest snaplen (262,144) and what a format puts around it */
};

struct tap_sink;
struct tap_writer;
struct tap_env;

#pragma GCC visibility push(default)

/*
 * A sink of its own for a handler: appends to the file at path (made with mode 0600), or fd when path is NULL
 * (not closed). `lossy`: when the ring is full, reserve returns NULL and counts a refusal; otherwise reserve
 * waits for the writer. Control thread. 0, or -errno with *err saying which file and what to do.
 */
int tap_sink_open(struct tap_sink **sink, struct tap_writer *writer, const char *path, int fd, bool lossy,
		  struct croom_error *err);

/* Refuse what -r reads and what -w writes, its parts too, as a handler's own output: it would be destroyed. 0 or -errno. */
int tap_check_own(const struct tap_env *env, const char *path, struct croom_error *err);

/*
 * Write all that was committed, then close. Control thread; no lane uses it any more. Waits for the writer, and for no
 * other sink: for the main output as long as it takes or until the tap is told to hurry, for one that is no file (a
 * standard error that nobody reads) about a second.
 */
void tap_sink_close(struct tap_sink *sink);

/* The lane has left it for good, and what the caller reserves and commits from here on is written by close. Control thread. */
void tap_sink_take(struct tap_sink *sink);

/* Room for at least max bytes; NULL only in a lossy sink that is full. Lane thread. */
char *tap_sink_reserve(struct tap_sink *sink, size_t max);
void tap_sink_commit(struct tap_sink *sink, size_t length);

/* What was just committed is a packet: should it not be written, it counts as such. Lane thread. */
void tap_sink_count(struct tap_sink *sink);

/*
 * What follows begins a file of its own: FILE.1, FILE.2, ... where --split says so, unless nothing was written to this
 * one. Lane thread: the lane calls it when the printer has changed, a printer when it writes a file's header.
 */
void tap_sink_split(struct tap_sink *sink);

/*
 * A printer is about to write the header of a capture file of this kind, by its magic number: split; then whether the
 * header is due. It is not where the output cannot split and has one: what goes on must not have a second in its middle.
 * Lane thread.
 */
bool tap_sink_begin(struct tap_sink *sink, uint32_t kind);

/* Refusals of a lossy sink so far. Any thread. */
uint64_t tap_sink_refused(const struct tap_sink *sink);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
