/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of the chain. With the journal's mutex held, and perhaps the room's.
 *
 * A row that cannot be written is counted as lost, and so is every one behind it, until journal_again() has opened
 * the file anew; it then writes how many there were and what is in force. What happens is folded in any case, so that
 * it can be told then.
 */
#include "journal-impl.h"
#include <croom/wire.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { BACKOFF_MS = 1000, BACKOFF_MAX_MS = 30000, WAL_PAGES_MAX = 20000 };

int64_t journal_now_ns(int clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void journal_arm(struct croom_journal *journal, int64_t ms)
{
	int64_t due = journal_now_ns(CLOCK_MONOTONIC) + ms * 1000000;
	struct itimerspec when = { .it_value = { .tv_sec = due / 1000000000, .tv_nsec = due % 1000000000 } };

	if (journal->due_ns && journal->due_ns <= due)
		return;
	journal->due_ns = due;
	timerfd_settime(journal->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

void journal_stop(struct croom_journal *journal, const char *why)
{
	journal->kept = false;
	/* relaxed: a figure for people. */
	croom_set_relaxed(&journal->shows_kept, 0);
	snprintf(journal->why, sizeof(journal->why), "%s", why);
	journal->backoff_ns = journal->backoff_ns ? 2 * journal->backoff_ns : BACKOFF_MS * INT64_C(1000000);
	if (journal->backoff_ns > BACKOFF_MAX_MS * INT64_C(1000000))
		journal->backoff_ns = BACKOFF_MAX_MS * INT64_C(1000000);
	journal->retry_ns = journal_now_ns(CLOCK_MONOTONIC) + journal->backoff_ns;
	journal_arm(journal, journal->backoff_ns / 1000000);
}

/* As the next of the chain. SQLite's code; when it is not 0 the chain is what it was. */
int row_append(struct croom_journal *journal, struct row *row)
{
	struct chain *chain = &journal->chain;
	int rc, error;

	row->row = chain->last + 1;
	row_hash(row, chain->hash, row->hash);
	rc = row_bind(journal->insert, row);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(journal->insert);
	error = errno;
	sqlite3_reset(journal->insert);
	sqlite3_clear_bindings(journal->insert);
	errno = error;
	if (rc != SQLITE_DONE)
		return rc ? rc : SQLITE_ERROR;
	chain->last = row->row;
	chain->rows++;
	chain->bytes += row_bytes(row);
	if (!chain->first)
		chain->first = row->row;
	memcpy(chain->hash, row->hash, HASH);
	return SQLITE_OK;
}

int rows_begin(struct croom_journal *journal)
{
	journal->chain_before = journal->chain;
	return sqlite3_exec(journal->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
}

int rows_end(struct croom_journal *journal, int rc)
{
	int error;

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(journal->db, "COMMIT", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		return rc;
	error = errno;
	sqlite3_exec(journal->db, "ROLLBACK", NULL, NULL, NULL);
	errno = error;
	journal->chain = journal->chain_before;
	return rc;
}

struct row row_of_state(struct croom_journal *journal, enum croom_journal_kind kind)
{
	const struct held *held = kind == CROOM_JOURNAL_KEPT ? journal->fold.good : journal->fold.current;
	struct row row = { .kind = kind, .time_ns = journal_now_ns(CLOCK_REALTIME), .uid = getuid(), .pid = getpid(), .command = "", .text = "",
		.changes = "", .handlers = "" };
	char since[24], pid[24];

	if (!held)
		return row;
	row.revision = held->revision;
	row.cause = held->cause;
	row.trusted = held->trusted;
	row.handlers = held->handlers;
	if (kind == CROOM_JOURNAL_START)
		return row;
	/* Who made it so, and when. */
	row.uid = held->uid;
	row.pid = held->pid;
	row.command = held->command;
	snprintf(since, sizeof(since), "%lld", (long long)held->since_ns);
	text_empty(&journal->changes);
	text_field(&journal->changes, "since", '\t');
	text_field(&journal->changes, since, '\n');
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	text_field(&journal->changes, "pid", '\t');
	text_field(&journal->changes, pid, '\n');
	row.changes = text_of(&journal->changes);
	return row;
}

int rows_standing(struct croom_journal *journal)
{
	struct row row = row_of_state(journal, CROOM_JOURNAL_KEPT);
	int rc = SQLITE_OK;

	if (journal->fold.good && journal->fold.good != journal->fold.current)
		rc = row_append(journal, &row);
	for (const struct jailed *one = journal->fold.jailed; one && rc == SQLITE_OK; one = one->next) {
		row = (struct row){ .kind = CROOM_JOURNAL_QUARANTINED, .time_ns = journal_now_ns(CLOCK_REALTIME), .uid = getuid(), .pid = getpid(),
			.revision = journal->fold.current ? journal->fold.current->revision : 0, .command = "", .text = one->why,
			.handlers = "" };
		text_empty(&journal->changes);
		text_field(&journal->changes, one->slot, '\t');
		text_field(&journal->changes, "", '\t');
		text_field(&journal->changes, one->handler, '\n');
		row.changes = text_of(&journal->changes);
		rc = journal->changes.failed ? SQLITE_NOMEM : row_append(journal, &row);
	}
	return rc;
}

static void lose(struct croom_journal *journal, int64_t time_ns)
{
	if (journal->lost++ == 0) {
		journal->lost_first_ns = time_ns;
		memcpy(journal->lost_why, journal->why, sizeof(journal->lost_why));
	}
	journal->lost_last_ns = time_ns;
	/* relaxed: a figure for people; the gauge reads it without the mutex. */
	croom_set_relaxed(&journal->lost_all, journal->lost_all + 1);
}

void journal_append(struct croom_journal *journal, struct row *row)
{
	struct croom_error err;
	int rc;

	if (journal->kept && lock_moved(journal)) {
		journal_stop(journal, "the file was removed or replaced while it was written");
	} else if (journal->kept) {
		rc = row_append(journal, row);
		if (rc) {
			file_error(journal->db, rc, journal->path, &err);
			journal_stop(journal, err.text);
		}
	}
	if (!journal->kept)
		lose(journal, row->time_ns);
	fold_row(&journal->fold, row);
	/* Nobody ticks: then a swap has to wait for the disk now and then. */
	if (journal->kept && journal->wal_pages > WAL_PAGES_MAX)
		journal_checkpoint(journal);
}

void journal_checkpoint(struct croom_journal *journal)
{
	/* What readers still need stays where it is; the next time there will be more to do. */
	sqlite3_wal_checkpoint_v2(journal->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	journal->wal_pages = 0;
}
