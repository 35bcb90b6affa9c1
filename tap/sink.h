/* SPDX-License-Identifier: BSD-2-Clause */
/* Sinks, and what the tap's own handlers and its lane need of them beside. */
#ifndef TAP_SINK_H
#define TAP_SINK_H

#include <croomtap/sink.h>

/* Says that and why: errno. Returns -errno. */
int tap_cannot_write(const char *path, struct croom_error *err);

/* Whether a file that is replaced every second may have this name: a new one, or a regular file's. 0 or -errno. */
int tap_check_replaceable(const char *path, struct croom_error *err);

/* Whether a file of this name could be written to, or made; leaves no trace. 0 or -errno. */
int tap_check_writable(const char *path, struct croom_error *err);

/* Nothing was ever committed. Lane thread. */
bool tap_sink_untouched(const struct tap_sink *sink);

/* Hand over what was committed, at the end of a batch. Lane thread; tap/lane.c calls it for every open sink. */
void tap_sinks_flush(struct tap_writer *writer);

#endif
