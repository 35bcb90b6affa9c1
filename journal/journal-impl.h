/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A journal's insides, from the bottom up:
 *
 *	list.c     lists of fields in one text column: changes, and every slot's handler
 *	row.c      a row: its words, its hash, to and from SQLite
 *	file.c     the database: opening one that may be anybody's, walking over its rows, what its errors mean
 *	fold.c     what rows add up to: what is in force, what was confirmed last, what is in quarantine
 *	lock.c     whose it is
 *	write.c    the end of the chain: appending, and what happens when that fails
 *	begin.c    beginning, and beginning again
 *	cut.c      the front of the chain
 *	hear.c     from the room's events to rows
 *	journal.c  opening, ticking, closing
 *	restore.c  the way back
 *	reader.c, verify.c, at.c	<croom/journal-file.h>
 *
 * `mutex` guards a journal. The listener takes it with the room's mutex held, so nobody who holds it may call the room.
 *
 * Written alone means: by one connection of one process, which holds a lock on FILE.lock as long as it has the
 * journal. If that process stops at any instruction, SQLite's WAL holds whole transactions only: a row is there or it
 * is not, and a row that begins a run or tells of lost or cut rows is there with all that belongs to it.
 */
#ifndef JOURNAL_JOURNAL_IMPL_H
#define JOURNAL_JOURNAL_IMPL_H

#include <croom/journal-file.h>
#include <croom/journal.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>

enum { HASH = CROOM_JOURNAL_HASH, SHORT_MAX = 4096, LATER_MAX = 64, FIELDS = 3 };

/* list.c: lines of at most FIELDS fields. A growing text to write them to, which keeps its memory when it is emptied. */
struct text {
	char *data;                /* with a 0 behind it, when not `failed` */
	size_t used, room;
	bool failed;               /* there was no memory for it */
};
void text_empty(struct text *text);
void text_field(struct text *text, const char *field, char end);
/* "" without memory. */
const char *text_of(const struct text *text);

struct list {
	char *copy;
	unsigned lines;
	const char *field[CROOM_SLOTS_MAX][FIELDS];   /* those that a line does not have are "" */
};
/* 0, -EBADMSG, -ENOMEM. Reads over what the list had before; begins as { 0 }. */
int list_read(struct list *list, const char *text);
void list_free(struct list *list);
/* In which line of the list this is the first field; -1: in none. */
int list_find(const struct list *list, const char *first);

/* row.c */
struct row {
	uint64_t row;
	int64_t time_ns;
	enum croom_journal_kind kind;
	enum croom_cause cause;
	uint64_t revision;
	bool trusted;
	uid_t uid;
	pid_t pid;
	const char *command, *text, *changes, *handlers;   /* never NULL */
	unsigned char hash[HASH];
};
#define ROW_COLUMNS "row,time_ns,kind,cause,revision,trusted,uid,pid,command,text,changes,handlers,hash"
const char *kind_word(enum croom_journal_kind kind);
const char *cause_word(enum croom_cause cause);
/* Of the row behind one with hash `before`. */
void row_hash(const struct row *row, const unsigned char *before, unsigned char *hash);
/* What counts against bytes_max. */
uint64_t row_bytes(const struct row *row);
int row_bind(sqlite3_stmt *insert, const struct row *row);
/* Pointers are good until the statement moves. NULL, or what is wrong with the row, whose number is there in any case. */
const char *row_read(sqlite3_stmt *select, struct row *row);

/* file.c */
int file_open(sqlite3 **db, const char *path, bool write, struct croom_error *err);
/* What SQLite said: -errno, with a sentence. */
int file_error(sqlite3 *db, int rc, const char *path, struct croom_error *err);
/* Rows behind `after` and not older than since_ns, in order. bad NULL: such a row is an error. */
struct walk {
	uint64_t after;
	int64_t since_ns;
	int (*visit)(void *env, const struct row *row);
	int (*bad)(void *env, const struct row *row, const char *what);
	void *env;
};
int file_walk(sqlite3 *db, const char *path, const struct walk *walk, struct croom_error *err);

/* fold.c: a state, as a row told it; never changed, and shared. */
struct held {
	unsigned refs;
	int64_t since_ns;
	uint64_t revision;
	enum croom_cause cause;
	bool trusted;
	uid_t uid;
	pid_t pid;
	const char *command;
	char handlers[];           /* a list: slot, handler, "waits" or nothing; the command lies behind it */
};

struct jailed {
	struct jailed *next;
	const char *handler, *why;
	char slot[];               /* the others behind it */
};

struct chain {
	uint64_t first, last, rows, bytes;   /* numbers of the first and last row; 0: there is none */
	unsigned char hash[HASH];            /* of the last */
};

struct fold {
	bool running;              /* a run has begun and not ended */
	pid_t pid;
	struct held *intent;       /* what may be in force, when there is no word yet that it is; or NULL */
	struct held *current, *good;   /* NULL: not known, none */
	struct jailed *jailed;     /* in quarantine, in the order in which they came */
	struct chain chain;
	int64_t last_ns;
	int failed;                /* -ENOMEM; -EBADMSG: a row is not what it can be; 0 */
};
void fold_row(struct fold *fold, const struct row *row);
void fold_free(struct fold *fold);
struct jailed *fold_jailed(const struct fold *fold, const char *slot, const char *handler);
void fold_jail(struct fold *fold, const char *slot, const char *handler, const char *why);
struct held *held_get(struct held *held);
void held_put(struct held *held);
/* Date and time, to the second, in this process's zone. */
void journal_say_time(int64_t ns, char *text, size_t size);

struct croom_journal {
	pthread_mutex_t mutex;
	struct croom_room *room;
	char *directory, *path, *lock_path, *program;
	uint64_t rows_max, bytes_max;
	int lock, timer;
	int64_t due_ns;            /* CLOCK_MONOTONIC; when the timer goes off; 0: not */
	sqlite3 *db;
	sqlite3_stmt *insert;
	dev_t dev;                 /* of the file that is open */
	ino_t ino;
	bool kept, begun;          /* rows are written; the row that begins this run is */
	bool inherited;            /* what earlier runs left is taken over */
	struct chain chain, chain_before;    /* on disk; before the transaction that is under way */
	int wal_pages;
	int64_t cut_again_ns;      /* not before that */
	struct fold fold;          /* of this run, lost rows too */
	struct held *restorable;   /* what an earlier run left, or NULL */
	struct held *unconfirmed;  /* what was in force at its end and is not restored, or NULL */
	bool died;
	uint64_t lost;             /* rows since the last that tells of some */
	uint64_t lost_all;         /* written with the mutex held, read without: a checkpoint may hold it for long */
	uint32_t shows_kept;       /* `kept`, in the same way */
	int64_t lost_first_ns, lost_last_ns, retry_ns, backoff_ns;
	char why[256], lost_why[256];        /* it is not kept; the first row was lost */
	struct text changes, handlers;
	uint64_t later[LATER_MAX]; /* revisions whose lanes are to be looked at */
	unsigned laters;
	uint64_t skipped;          /* changes for which there was no room in it */
	int64_t look_ms;           /* how long to wait before the next look */
	bool untold;               /* the room has not heard of all who are in quarantine: tick only */
};

/* write.c, with the mutex held. */
int64_t journal_now_ns(int clock);
/* Look again in so many milliseconds, or sooner. */
void journal_arm(struct croom_journal *journal, int64_t ms);
/* Write it, or count it as lost; what it says is so in either case. */
void journal_append(struct croom_journal *journal, struct row *row);
/* As the next of the chain: SQLite's code. */
int row_append(struct croom_journal *journal, struct row *row);
/* Several rows at once, or none: SQLite's code. rc: how it went between the two. */
int rows_begin(struct croom_journal *journal);
int rows_end(struct croom_journal *journal, int rc);
/* What a row of our own tells of what is in force. Good until the next one. */
struct row row_of_state(struct croom_journal *journal, enum croom_journal_kind kind);
/* Behind a row that makes readers forget: what stands in spite of it. */
int rows_standing(struct croom_journal *journal);
/* It is not kept from here on, until a later try. */
void journal_stop(struct croom_journal *journal, const char *why);
void journal_checkpoint(struct croom_journal *journal);

/* begin.c, with the mutex held: open the file and begin a run in it, or go on with it. 0, or it is not kept. */
int journal_begin(struct croom_journal *journal, struct croom_error *err);

/* lock.c: the directory, the lock beside the file, and whether the file is still ours. */
int lock_take(struct croom_journal *journal, struct croom_error *err);
int lock_check_file(const struct croom_journal *journal, struct croom_error *err);
bool lock_moved(const struct croom_journal *journal);
/* Does a process keep the journal at this path? */
bool lock_held(const char *path);

/* cut.c */
void journal_cut(struct croom_journal *journal);

/* hear.c */
void journal_hear(void *env, const struct croom_event *event);
/* What is in force now, as if it had been told. */
void journal_hear_state(struct croom_journal *journal);
/* A line for every lane. */
void journal_hear_observed(struct croom_journal *journal);

#endif
