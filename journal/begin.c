/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Beginning a run in the file, and going on after it could not be written. With the journal's mutex held, but not the
 * room's.
 *
 * What is read of the file is what earlier runs left: the last confirmed state, who is in quarantine, and whether the
 * last of them had an end. A run that had none, with a handler in force that waited to be confirmed, puts that one
 * into quarantine. An intent without its change counts as in force for that: a handler that ends the process with its
 * first call leaves no time for more.
 */
#include "journal-impl.h"
#include <croom/wire.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int fold_visit(void *env, const struct row *row)
{
	fold_row(env, row);
	return 0;
}

static int count_pages(void *env, sqlite3 *db, const char *name, int pages)
{
	(void)db;
	(void)name;
	((struct croom_journal *)env)->wal_pages = pages;
	return SQLITE_OK;
}

static void disconnect(struct croom_journal *journal)
{
	sqlite3_finalize(journal->insert);
	sqlite3_close(journal->db);
	journal->insert = NULL;
	journal->db = NULL;
}

/* Open it and read what is in it. */
static int connect(struct croom_journal *journal, struct fold *old, struct croom_error *err)
{
	const struct walk walk = { .since_ns = INT64_MIN, .visit = fold_visit, .env = old };
	struct stat is;
	int rc = lock_take(journal, err);

	rc = rc ? rc : lock_check_file(journal, err);
	rc = rc ? rc : file_open(&journal->db, journal->path, true, err);
	rc = rc ? rc : file_walk(journal->db, journal->path, &walk, err);
	if (rc)
		return rc;
	if (old->failed)
		return croom_error_set(err, old->failed, CROOM_ERROR_OTHER, NULL, old->failed == -ENOMEM ? "out of memory" :
				       "%s is damaged: a list in it is none", journal->path);
	rc = sqlite3_prepare_v3(journal->db, "INSERT INTO journal(" ROW_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)", -1,
				SQLITE_PREPARE_PERSISTENT, &journal->insert, NULL);
	if (rc)
		return file_error(journal->db, rc, journal->path, err);
	sqlite3_wal_hook(journal->db, count_pages, journal);
	if (stat(journal->path, &is))
		return croom_error_set(err, -errno, CROOM_ERROR_OTHER, NULL, "cannot look at %s: %s", journal->path, strerror(errno));
	journal->dev = is.st_dev;
	journal->ino = is.st_ino;
	return 0;
}

/* Is the row that we wrote last still in it? */
static bool goes_on(struct croom_journal *journal)
{
	sqlite3_stmt *select;
	bool same = false;

	if (sqlite3_prepare_v2(journal->db, "SELECT hash FROM journal WHERE row = ?1", -1, &select, NULL))
		return false;
	sqlite3_bind_int64(select, 1, (sqlite3_int64)journal->chain.last);
	if (sqlite3_step(select) == SQLITE_ROW && sqlite3_column_bytes(select, 0) == HASH)
		same = memcmp(sqlite3_column_blob(select, 0), journal->chain.hash, HASH) == 0;
	sqlite3_finalize(select);
	return same;
}

/* What waited when the run before died, but for what was confirmed before in the same slot. */
static void jail(struct croom_journal *journal, const struct fold *old, const struct held *last)
{
	struct list then = { 0 }, good = { 0 };
	char why[200], when[40];

	if (list_read(&then, last->handlers) || (old->good && list_read(&good, old->good->handlers))) {
		journal->fold.failed = -ENOMEM;
		then.lines = 0;
	}
	journal_say_time(last->since_ns, when, sizeof(when));
	snprintf(why, sizeof(why), "it was in force unconfirmed (revision %llu, since %s) when pid %d died",
		 (unsigned long long)last->revision, when, (int)old->pid);
	for (unsigned i = 0; i < then.lines; i++) {
		int at = list_find(&good, then.field[i][0]);

		if (*then.field[i][2] && (at < 0 || strcmp(good.field[at][1], then.field[i][1])))
			fold_jail(&journal->fold, then.field[i][0], then.field[i][1], why);
	}
	list_free(&then);
	list_free(&good);
}

/* What earlier runs left to this one. False: there was no memory for all of it, and it is to be done again. */
static bool inherit(struct croom_journal *journal, const struct fold *old)
{
	struct held *last = old->intent ? old->intent : old->current;

	journal->fold.failed = 0;
	for (const struct jailed *one = old->jailed; one; one = one->next)
		fold_jail(&journal->fold, one->slot, one->handler, one->why);
	journal->died = old->running;
	held_put(journal->unconfirmed);
	journal->unconfirmed = last && !last->trusted ? held_get(last) : NULL;
	/* Which of the two was in force at that moment nobody can say. */
	if (old->running && old->current && !old->current->trusted)
		jail(journal, old, old->current);
	if (old->running && old->intent && !old->intent->trusted)
		jail(journal, old, old->intent);
	held_put(journal->restorable);
	journal->restorable = held_get(old->good);
	if (!journal->fold.good)
		journal->fold.good = held_get(old->good);
	journal->inherited = journal->fold.failed == 0;
	return journal->inherited;
}

static int write_start(struct croom_journal *journal, const struct fold *old, bool anew)
{
	struct row row = row_of_state(journal, CROOM_JOURNAL_START);
	char text[SHORT_MAX], died[64] = "";

	if (old->running && !anew)
		snprintf(died, sizeof(died), "; the run before, pid %d, had no end", (int)old->pid);
	snprintf(text, sizeof(text), "%.*s%s", SHORT_MAX - 100, journal->program, anew ? "; goes on in a new file" : died);
	row.text = text;
	return row_append(journal, &row);
}

static int write_lost(struct croom_journal *journal)
{
	struct row row = row_of_state(journal, CROOM_JOURNAL_LOST);
	char text[400], from[40], to[40], number[24];

	if (!*row.changes)
		text_empty(&journal->changes);
	snprintf(number, sizeof(number), "%lld", (long long)journal->lost_first_ns);
	text_field(&journal->changes, "lost", '\t');
	text_field(&journal->changes, number, '\n');
	row.changes = text_of(&journal->changes);
	journal_say_time(journal->lost_first_ns, from, sizeof(from));
	journal_say_time(journal->lost_last_ns, to, sizeof(to));
	snprintf(text, sizeof(text), "%llu row%s lost from %s to %s: %s", (unsigned long long)journal->lost, journal->lost == 1 ? "" : "s",
		 from, to, journal->lost_why);
	row.text = text;
	return row_append(journal, &row);
}

int journal_begin(struct croom_journal *journal, struct croom_error *err)
{
	struct fold old = { 0 };
	bool first = !journal->begun, start;
	int rc;

	disconnect(journal);
	rc = connect(journal, &old, err);
	if (rc == 0 && !journal->inherited && !inherit(journal, &old))
		rc = croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory");
	if (rc == 0) {
		start = first || !goes_on(journal);
		journal->chain = old.chain;
		rc = rows_begin(journal);
		if (rc == SQLITE_OK && start)
			rc = write_start(journal, &old, !first);
		if (rc == SQLITE_OK && journal->lost)
			rc = write_lost(journal);
		if (rc == SQLITE_OK)
			rc = rows_standing(journal);
		rc = rows_end(journal, rc);
		if (rc)
			rc = file_error(journal->db, rc, journal->path, err);
	}
	fold_free(&old);
	if (rc) {
		journal_stop(journal, err->text);
		return rc;
	}
	journal->begun = journal->kept = true;
	/* relaxed: a figure for people. */
	croom_set_relaxed(&journal->shows_kept, 1);
	journal->lost = 0;
	journal->backoff_ns = 0;
	journal->why[0] = 0;
	return 0;
}
