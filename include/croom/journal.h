/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A journal: every change of a room, every attempt and refusal, on disk; and the way back to the last confirmed state
 * when the program starts again.
 *
 *	croom_journal_open(&journal, room, "/var/lib/ticker", NULL, &error);
 *	croom_journal_restore(journal, NULL, 0, NULL, &restored, &error);
 *	options.journal = journal;                       // of croom_control_open(): it then does croom_journal_tick()
 *	...
 *	croom_control_close(control);
 *	croom_journal_close(journal);                    // writes that this was a clean end
 *	croom_room_close(room);
 *
 * The file is DIRECTORY/ROOM.journal, an SQLite database; <croom/journal-file.h>, `croomctl journal` and sqlite3 read
 * it, also while it grows. Each row holds the SHA-256 of the row before and itself: a row that was altered, removed
 * or put in shows. Who can write the file can also make it anew, and rows cut off at its end leave no trace in it:
 * that shows against a head that was noted elsewhere (`croomctl journal head`).
 *
 * When a swap returns, the journal has it: a row before it shows (intent), one behind it (changed). They outlast the
 * death of the process at any instant; a loss of power may take the rows since the last checkpoint, from the end
 * (SQLite's WAL, synchronous=NORMAL). The rows are written in the thread that asks, with the room's mutex held: that
 * is what "by the control thread alone" comes to where several threads ask. Data threads never touch it.
 *
 * It must not hold a change up: a full disk or a broken file costs rows, which are counted and shown, not swaps.
 * Writing is tried again by croom_journal_tick(), and a row then says how many were lost, from when to when. Whatever
 * is in the way, croom_journal_open() gives a journal that can be used like any other.
 *
 * It is bounded: beyond rows_max or bytes_max the oldest tenth goes, and a row (cut) says so, with the hash that the
 * chain then begins with, the last confirmed state, and the handlers in quarantine.
 *
 * A freeze ends with the process; a quarantine does not. Control threads may call all of this.
 */
#ifndef CROOM_JOURNAL_H
#define CROOM_JOURNAL_H

#include <croom/room.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CROOM_JOURNAL_ROWS = 100000, CROOM_JOURNAL_BYTES = 64 * 1024 * 1024 };

struct croom_journal;

struct croom_journal_options {
	const char *program;       /* told in the row that begins a run, such as "ticker 1.2 -v"; NULL: "" */
	uint64_t rows_max;         /* 0: CROOM_JOURNAL_ROWS; at least 100 */
	uint64_t bytes_max;        /* of texts; 0: CROOM_JOURNAL_BYTES */
};

struct croom_journal_state {
	bool kept;                 /* rows are written */
	uint64_t rows;             /* in the file */
	uint64_t lost;             /* since it was opened */
	int64_t lost_since_ns;     /* CLOCK_REALTIME; of the first that no row tells of yet; 0: there is none */
	char why[256];             /* it is not kept; "" when it is */
};

/* What a program wants in a slot at its start. */
struct croom_journal_choice {
	const char *slot, *handler;
	bool asked;                /* in any case; false: where nothing is restored */
};

struct croom_journal_restored {
	uint64_t revision;         /* of the state that was restored, as it was then; 0: there was none */
	int64_t time_ns;           /* CLOCK_REALTIME; when it came into force */
	bool died;                 /* the run before had no clean end */
	unsigned handlers;         /* put back: those that did not sit there already */
	unsigned refused;          /* could not be put back; `text` names them */
	char text[2048];           /* lines for a person, without the last newline; "" when there is nothing to say */
};

#pragma GCC visibility push(default)

/*
 * Begin to write, before other threads change the room. The directory is made (0700) if need be; it must belong to
 * this user, and nobody else may write to it. What was in force unconfirmed when an earlier run died is put into
 * quarantine.
 *
 * 0: it is kept. -ENOMEM: *journal is NULL. Anything else: *err says why it is not kept, *journal counts what is
 * lost, and croom_journal_tick() tries again: -EBUSY (another process keeps it), -EPERM, -EBADMSG (a file that is no
 * journal, or damaged; it is left as it is), -ENOSPC, ... It takes the room's one listener and adds the gauge
 * journal_lost.
 */
int croom_journal_open(struct croom_journal **journal, struct croom_room *room, const char *directory,
		       const struct croom_journal_options *options, struct croom_error *err);

/*
 * Put the last confirmed state back, in one swap with what the program chooses itself, and before the lanes start.
 * Handlers that are refused, as of a class that is not there, are left out, and *restored says so loudly; the others
 * are put back. 0, or what croom_room_swap() says of the choices alone. restored, origin and err may be NULL;
 * origin's command is told together with what was restored.
 */
int croom_journal_restore(struct croom_journal *journal, const struct croom_journal_choice *choice, unsigned count,
			  const struct croom_origin *origin, struct croom_journal_restored *restored, struct croom_error *err);

/* Readable when croom_journal_tick() has something to do. */
int croom_journal_fd(const struct croom_journal *journal);

/*
 * Write from which record on each lane ran the last changes; try again what failed; cut; checkpoint, which waits for
 * the disk. libcroom-control does this where it serves the room.
 */
void croom_journal_tick(struct croom_journal *journal);

/* The two figures of it that a monitoring system wants, for any thread, data threads too: it waits for nobody. */
uint64_t croom_journal_lost(const struct croom_journal *journal, bool *kept);

void croom_journal_look(struct croom_journal *journal, struct croom_journal_state *state);

const char *croom_journal_path(const struct croom_journal *journal);

/* Write that this is a clean end, and stop listening; before the room is closed. NULL is allowed. */
void croom_journal_close(struct croom_journal *journal);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
