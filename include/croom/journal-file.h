/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a journal: its rows, what was in force at a moment, whether somebody has altered it. Also while it is being
 * written, and without the program that wrote it.
 *
 *	croom_journal_file_open(&file, "/var/lib/ticker/ticker.journal", &error);
 *	croom_journal_file_at(file, time_ns, show_moment, NULL, &error);
 *	croom_journal_file_verify(file, NULL, show_finding, NULL, &verdict, &error);
 *	croom_journal_file_close(file);
 *
 * The file may be anybody's: what is no journal, or damaged, is an error (-EBADMSG) with a sentence. Visits return 0
 * to go on; anything else ends them and is returned. Pointers are good during the visit only. One thread at a time
 * for one file.
 */
#ifndef CROOM_JOURNAL_FILE_H
#define CROOM_JOURNAL_FILE_H

#include <croom/inspect.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CROOM_JOURNAL_HASH = 32 };

enum croom_journal_kind {
	CROOM_JOURNAL_START,       /* a run begins; `text`: the program, every slot */
	CROOM_JOURNAL_END,         /* it ended cleanly */
	CROOM_JOURNAL_INTENT,      /* about to be published; every slot */
	CROOM_JOURNAL_CHANGED,     /* it is published: what the intent before it said is in force */
	CROOM_JOURNAL_REFUSED,     /* `text`: why */
	CROOM_JOURNAL_CONFIRMED,   /* every slot */
	CROOM_JOURNAL_FROZEN,      /* `text`: why */
	CROOM_JOURNAL_THAWED,
	CROOM_JOURNAL_QUARANTINED, /* change[0]; `text`: why */
	CROOM_JOURNAL_PARDONED,    /* change[0] */
	CROOM_JOURNAL_NOTE,
	CROOM_JOURNAL_OBSERVED,    /* change: lane, its first record under `revision` ("": not known), what else there is to say */
	CROOM_JOURNAL_LOST,        /* `text`: how many rows, from when to when, why; every slot, as it is now */
	CROOM_JOURNAL_CUT,         /* `text`: older rows were removed; every slot, as it is now */
	CROOM_JOURNAL_KEPT,        /* the last confirmed state, again, because the rows that say so are or may be gone; every slot */
};

struct croom_journal_slot {
	const char *slot, *handler;
	bool waits;                /* to be confirmed, or for the end of a trial */
};

struct croom_journal_row {
	uint64_t row;              /* 1, 2, 3 ... */
	int64_t time_ns;           /* CLOCK_REALTIME, which may have been set back between two rows */
	enum croom_journal_kind kind;
	const char *word;          /* the kind, as in the file */
	enum croom_cause cause;
	const char *cause_word;
	uint64_t revision;         /* of that run; they begin with 1 again in the next */
	bool trusted;              /* nothing in it waits */
	uid_t uid;
	pid_t pid;                 /* who asked; of START and END, the program itself */
	const char *command, *text;
	unsigned changes;
	const struct croom_history_change *change;
	unsigned slots;            /* 0, or all of the room */
	const struct croom_journal_slot *slot;
	unsigned char hash[CROOM_JOURNAL_HASH];
};

enum croom_journal_span {
	CROOM_JOURNAL_RUNNING,     /* the state was in force */
	CROOM_JOURNAL_UNSURE,      /* it was in force before, and may have been then: `text` says what is in the way */
	CROOM_JOURNAL_STOPPED,     /* the program did not run */
	CROOM_JOURNAL_UNKNOWN,     /* the journal does not say; `text` says why */
};

/* What was in force. */
struct croom_journal_moment {
	enum croom_journal_span span;
	int64_t since_ns, until_ns;        /* of this state, or of not running; until 0: to this day */
	uint64_t revision;                 /* RUNNING, UNSURE: as in the row that made it, and so are the next */
	enum croom_cause cause;
	const char *cause_word;
	uid_t uid;
	pid_t pid;
	const char *command;
	unsigned slots;
	const struct croom_journal_slot *slot;
	const char *text;                  /* "" or a sentence */
};

struct croom_journal_verdict {
	uint64_t rows, first, last;        /* rows that are there, the numbers of the first and last; 0: none */
	uint64_t findings;
	uint64_t cut;                      /* so many older rows were removed by the program itself, and the chain says so */
	uint64_t clock_back;               /* rows that are older than the one before: the clock was set back; no finding */
};

struct croom_journal_head {
	uint64_t row;                      /* 0: there is none, or it is not known */
	unsigned char hash[CROOM_JOURNAL_HASH];
};

struct croom_journal_file;

#pragma GCC visibility push(default)

/* 0, -ENOENT, -EACCES, -EBADMSG, -ENOMEM ... with a sentence. */
int croom_journal_file_open(struct croom_journal_file **file, const char *path, struct croom_error *err);

/* NULL is allowed. */
void croom_journal_file_close(struct croom_journal_file *file);

/* Rows not older than since_ns (INT64_MIN: all), in the order in which they were written. */
int croom_journal_file_each(struct croom_journal_file *file, int64_t since_ns,
			    int (*visit)(void *env, const struct croom_journal_row *row), void *env, struct croom_error *err);

/*
 * What was in force at time_ns: one visit, or several, in the order of the rows, where the clock was set back and the
 * moment came more than once. -EINVAL: it is yet to come.
 */
int croom_journal_file_at(struct croom_journal_file *file, int64_t time_ns,
			  int (*visit)(void *env, const struct croom_journal_moment *moment), void *env, struct croom_error *err);

/*
 * Whether all is as it was written. Each thing that is not is told in a sentence. head: NULL, or one that was noted
 * before: its row must be there (row 0: any row with that hash). 0 when it was looked through: *verdict counts the
 * findings.
 */
int croom_journal_file_verify(struct croom_journal_file *file, const struct croom_journal_head *head,
			      void (*found)(void *env, const char *what), void *env, struct croom_journal_verdict *verdict,
			      struct croom_error *err);

/* The newest row: note it elsewhere. 0 also when there is none: row 0. */
int croom_journal_file_head(struct croom_journal_file *file, struct croom_journal_head *head, struct croom_error *err);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
