/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What went wrong, for a program to branch on and for a person to act on.
 *
 * Calls that an operator's input can make fail take a struct croom_error, return its code (-errno) and write
 * one sentence that says what to do. Such a call has changed nothing, but for CROOM_ERROR_NOT_OBSERVED. err may be
 * NULL where the code suffices.
 */
#ifndef CROOM_ERROR_H
#define CROOM_ERROR_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum croom_error_kind {
	CROOM_ERROR_NONE = 0,
	CROOM_ERROR_OTHER,          /* the code and the text say it */
	CROOM_ERROR_UNKNOWN_SLOT,   /* subject: the slot that was named; near: those that look like it */
	CROOM_ERROR_UNKNOWN_CLASS,  /* subject: the class that was named; near: those that look like it */
	CROOM_ERROR_BAD_CONFIG,     /* subject: SLOT=CLASS; text: what its open() said; offset: where, or -1 */
	CROOM_ERROR_WRONG_REVISION, /* revision: the current one */
	CROOM_ERROR_NOT_OBSERVED,   /* subject: the late lane; the change *is* published as `revision` */
	CROOM_ERROR_BUSY,           /* subject: the lane that holds up too many retired panels */
	CROOM_ERROR_NO_HISTORY,     /* rollback to a revision that is not (or no longer) known */
	CROOM_ERROR_NOT_PERMITTED,
	CROOM_ERROR_FROZEN,         /* no change may be made; the text says who froze the room and why */
	CROOM_ERROR_UNCONFIRMED,    /* revision: the change that waits to be confirmed */
	CROOM_ERROR_QUARANTINED,    /* subject: SLOT=HANDLER, which was in force unconfirmed when the process died */
	CROOM_ERROR_NOT_TRUSTED,    /* a policy does not let this file be loaded, or this peer do that */
};

struct croom_error {
	int code;                   /* -errno, 0 for none */
	enum croom_error_kind kind;
	int offset;                 /* BAD_CONFIG: byte of the config where it went wrong, -1 if not known */
	uint64_t revision;          /* WRONG_REVISION, NOT_OBSERVED */
	char subject[64];
	char near[128];             /* "a, b" or empty */
	char text[512];             /* one sentence, without the full stop; never empty when code != 0 */
};

/* The names that were probably meant, all equally near to what was asked for. Begins as { 0 }. */
struct croom_near {
	unsigned distance;
	char names[128];            /* "a, b" or empty */
};

#pragma GCC visibility push(default)

/* Fill *err (may be NULL) and return code, so that a call can end in `return croom_error_set(...)`. Any thread. */
int croom_error_set(struct croom_error *err, int code, enum croom_error_kind kind, const char *subject,
		    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Take `name` in if it is near enough to asked[0] to asked[length - 1], and none that was seen is nearer. Any thread. */
void croom_near_look(struct croom_near *near, const char *asked, size_t length, const char *name);

/*
 * How far a word of so many bytes is from a name, for "did you mean": letters inserted, deleted, replaced, and neighbours
 * exchanged. What is longer than 31 bytes is 31 away. Any thread.
 */
unsigned croom_near_distance(const char *word, size_t length, const char *name);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
