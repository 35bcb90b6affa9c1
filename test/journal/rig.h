// SPDX-License-Identifier: BSD-2-Clause
/*
 * The room of test/room/rig.h with a journal in a directory of its own, a clock that can be set, and runs that end
 * without saying so: in a child process, which _exit()s.
 */
#ifndef JOURNAL_RIG_H
#define JOURNAL_RIG_H

#include "../room/rig.h"
#include <croom/journal-file.h>
#include <croom/journal.h>
#include <croom/trial.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SECOND = 1000000000 };

static char directory[64], path[96];
static struct croom_room *room;
static struct croom_journal *journal;
static struct croom_error err;
static const struct croom_swap_options published = { .wait_ms = 0 };

/* In place of the C library's, for whoever asks it within this program. */
static int64_t shift_s;
static int64_t still_s;                  /* but for some microseconds it stands still there; 0: it does not */

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int rc = (int)syscall(SYS_clock_gettime, clock, now);
	static long calls;

	if (clock == CLOCK_REALTIME)
		now->tv_sec += __atomic_load_n(&shift_s, __ATOMIC_RELAXED);
	if (clock == CLOCK_REALTIME && still_s)
		*now = (struct timespec){ .tv_sec = still_s, .tv_nsec = 1000 * __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) };
	return rc;
}

static inline int64_t wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static inline void new_directory(void)
{
	strcpy(directory, "/tmp/croom-test-XXXXXX");
	if (!mkdtemp(directory))
		abort();
	snprintf(path, sizeof(path), "%s/rig.journal", directory);
	shift_s = still_s = 0;
}

static inline void remove_directory(void)
{
	char name[160];

	for (const char *const *end = (const char *const[]){ "", "-wal", "-shm", ".lock", ".aside", NULL }; *end; end++) {
		snprintf(name, sizeof(name), "%s%s", path, *end);
		unlink(name);
	}
	if (rmdir(directory))
		CHECK(!"the directory is empty");
}

static inline int run_begin_with(const struct croom_journal_options *options)
{
	room = rig_open();
	return croom_journal_open(&journal, room, directory, options, &err);
}

static inline void run_begin(void)
{
	CHECK_EQ(run_begin_with(NULL), 0);
	if (err.text[0])
		printf("# %s\n", err.text);
}

static inline void run_end(void)
{
	croom_journal_close(journal);
	journal = NULL;
	croom_room_close(room);
	CHECK_EQ(opened, closed);
}

/* What happens in `body` is of a run that has no end. */
static inline void run_that_dies(void (*body)(void))
{
	pid_t child;
	int status = 0;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		check_bad = 0;
		run_begin();
		body();
		fflush(stdout);
		_exit(check_bad);
	}
	waitpid(child, &status, 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static inline int swap_to(const char *slot, const char *handler)
{
	return rig_swap(room, slot, handler, &published, NULL, &err);
}

static inline int swap_unconfirmed(const char *slot, const char *handler)
{
	return rig_swap(room, slot, handler, &(struct croom_swap_options){ .confirm_ms = 3600000 }, NULL, &err);
}

struct want {
	const char *slot;
	char handler[256];
};

static int see_want(void *env, const struct croom_slot_view *slot)
{
	struct want *want = env;

	if (strcmp(slot->name, want->slot) == 0)
		snprintf(want->handler, sizeof(want->handler), "%s", slot->handler);
	return 0;
}

/* What sits in the slot. */
static inline const char *sits(const char *slot)
{
	static struct want want;

	want.slot = slot;
	croom_room_each_slot(room, see_want, &want);
	return want.handler;
}

/* Rows as text, one line each: kind revision changes, and what `shown` says. */
static char rows[1 << 20];

static int add_row(void *env, const struct croom_journal_row *row)
{
	size_t used = strlen(rows);

	(void)env;
	used += (size_t)snprintf(rows + used, sizeof(rows) - used, "%s %llu%s", row->word, (unsigned long long)row->revision,
				 row->trusted ? "" : " !");
	for (unsigned i = 0; i < row->changes && used < sizeof(rows); i++)
		used += (size_t)snprintf(rows + used, sizeof(rows) - used, " %s:%s>%s", row->change[i].slot, row->change[i].from,
					 row->change[i].to);
	for (unsigned i = 0; i < row->slots && used < sizeof(rows); i++)
		used += (size_t)snprintf(rows + used, sizeof(rows) - used, " %s=%s%s", row->slot[i].slot, row->slot[i].handler,
					 row->slot[i].waits ? "?" : "");
	snprintf(rows + used, sizeof(rows) - used, "%s%s%s%s;\n", *row->command ? " by " : "", row->command, *row->text ? " -- " : "", row->text);
	return 0;
}

static inline const char *read_rows(void)
{
	struct croom_journal_file *file;

	rows[0] = 0;
	CHECK_EQ(croom_journal_file_open(&file, path, &err), 0);
	if (!file) {
		printf("# %s\n", err.text);
		return rows;
	}
	CHECK_EQ(croom_journal_file_each(file, INT64_MIN, add_row, NULL, &err), 0);
	croom_journal_file_close(file);
	return rows;
}

/* The rows contain these texts, in this order. */
#define SAYS(...) CHECK(says((const char *const[]){ __VA_ARGS__, NULL }))
static inline int says(const char *const *texts)
{
	const char *at = read_rows();

	for (; *texts && at; texts++) {
		at = strstr(at, *texts);
		if (!at)
			printf("# no '%s' in its place in:\n%s", *texts, rows);
		else
			at += strlen(*texts);
	}
	return at != NULL;
}

static char findings[8192];

static void add_finding(void *env, const char *what)
{
	size_t used = strlen(findings);

	(void)env;
	snprintf(findings + used, sizeof(findings) - used, "%s;\n", what);
}

/* How many findings; they are in `findings`. -1: an error. */
static inline int verify_with(const struct croom_journal_head *head, struct croom_journal_verdict *verdict)
{
	struct croom_journal_file *file;
	int rc;

	findings[0] = 0;
	if (croom_journal_file_open(&file, path, &err)) {
		snprintf(findings, sizeof(findings), "%s", err.text);
		return -1;
	}
	rc = croom_journal_file_verify(file, head, add_finding, NULL, verdict, &err);
	croom_journal_file_close(file);
	return rc ? -1 : (int)verdict->findings;
}

static inline int verify(void)
{
	struct croom_journal_verdict verdict;
	int count = verify_with(NULL, &verdict);

	if (count)
		printf("# %s\n", findings);
	return count;
}

/* Somebody else's hand. */
static inline void sql(const char *text)
{
	char *said = NULL;
	sqlite3 *db;

	CHECK_EQ(sqlite3_open(path, &db), SQLITE_OK);
	CHECK_EQ(sqlite3_exec(db, text, NULL, NULL, &said), SQLITE_OK);
	if (said)
		printf("# %s: %s\n", text, said);
	sqlite3_free(said);
	sqlite3_close(db);
}

#endif
