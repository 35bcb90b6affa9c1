/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was in force at a moment. The rows are walked in the order in which they were written; between two rows that
 * change the state there is a span. A clock that was set back splits a span, and the moment may lie in several.
 */
#include "reader-impl.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct at {
	struct croom_journal_file *file;
	int64_t time_ns;
	int (*visit)(void *env, const struct croom_journal_moment *moment);
	void *env;
	struct croom_error *err;
	struct fold fold;          /* of the rows so far */
	int64_t from_ns;           /* since then nothing has changed, and the clock has gone on */
	int64_t end_ns;            /* of the run that ended */
};

static int show(struct at *at, struct croom_journal_moment *moment)
{
	const struct held *held = at->fold.current;
	int rc = 0;

	if (!at->fold.running) {
		moment->span = CROOM_JOURNAL_STOPPED;
		moment->since_ns = at->end_ns;
	} else if (!held) {
		moment->span = CROOM_JOURNAL_UNKNOWN;
		moment->since_ns = at->from_ns;
		if (!*moment->text)
			moment->text = "the rows that say it were cut away, or could not be written";
	} else {
		moment->since_ns = held->since_ns;
		moment->revision = held->revision;
		moment->cause = held->cause;
		moment->cause_word = cause_word(held->cause);
		moment->uid = held->uid;
		moment->pid = held->pid;
		moment->command = held->command;
		moment->slot = at->file->slot;
		rc = reader_slots(at->file, held->handlers, &moment->slots);
	}
	if (rc)
		return croom_error_set(at->err, rc, CROOM_ERROR_OTHER, NULL, "%s is damaged: a list of slots is none", at->file->path);
	return at->visit(at->env, moment);
}

/* The state is the fold's from `from` on and before `to`. until: when it was another one; 0: it still is. */
static int span(struct at *at, int64_t from, int64_t to, int64_t until, enum croom_journal_span what, const char *text)
{
	struct croom_journal_moment moment = { .span = what, .until_ns = until, .cause_word = "", .command = "", .text = text };

	return at->time_ns >= from && at->time_ns < to ? show(at, &moment) : 0;
}

/* Before `gap` it was so for certain; from there to `to` something happened that no row tells. */
static int span_with_gap(struct at *at, int64_t gap, int64_t to, int64_t until, const char *text)
{
	int rc = span(at, at->from_ns, gap, until, CROOM_JOURNAL_RUNNING, "");

	return rc ? rc : span(at, gap, to, until, CROOM_JOURNAL_UNSURE, text);
}

/* When the first of the lost rows would have been written; behind the last row when it does not say. */
static int64_t lost_ns(const struct at *at, const struct row *row)
{
	int64_t first = 0, last = at->fold.last_ns + 1;
	struct list list = { 0 };
	int line;

	if (list_read(&list, row->changes) == 0 && (line = list_find(&list, "lost")) >= 0)
		first = strtoll(list.field[line][1], NULL, 10);
	list_free(&list);
	return first > last && first < row->time_ns ? first : last;
}

static int before_all(struct at *at, const struct row *row)
{
	struct croom_journal_moment moment = { .span = CROOM_JOURNAL_UNKNOWN, .until_ns = row->time_ns, .cause_word = "", .command = "" };
	char text[120], when[40];

	journal_say_time(row->time_ns, when, sizeof(when));
	snprintf(text, sizeof(text), row->row > 1 ? "older rows were cut away: the journal begins at %s" : "the journal begins at %s", when);
	moment.text = text;
	at->from_ns = row->time_ns;
	return at->time_ns < row->time_ns ? at->visit(at->env, &moment) : 0;
}

static int died(struct at *at, int64_t to, const char *until)
{
	char text[240], when[40], who[24] = "";

	journal_say_time(at->fold.last_ns, when, sizeof(when));
	if (at->fold.pid)
		snprintf(who, sizeof(who), ", pid %d,", (int)at->fold.pid);
	snprintf(text, sizeof(text), "the program%s has no end in the journal: it ended, without saying so, some time after %s%s", who, when, until);
	return span_with_gap(at, at->fold.last_ns + 1, to, to == INT64_MAX ? 0 : to, text);
}

static bool changes_state(const struct at *at, const struct row *row)
{
	switch (row->kind) {
	case CROOM_JOURNAL_START:
	case CROOM_JOURNAL_END:
	case CROOM_JOURNAL_CHANGED:
	case CROOM_JOURNAL_CONFIRMED:
	case CROOM_JOURNAL_LOST:
		return true;
	case CROOM_JOURNAL_CUT:
		return !at->fold.current;
	default:
		return false;
	}
}

static int close_span(struct at *at, const struct row *row)
{
	char until[80], when[40];

	if (row->kind == CROOM_JOURNAL_START && at->fold.running) {
		journal_say_time(row->time_ns, when, sizeof(when));
		snprintf(until, sizeof(until), " and before %s, when it was started again", when);
		return died(at, row->time_ns, until);
	}
	if (row->kind == CROOM_JOURNAL_LOST)
		return span_with_gap(at, lost_ns(at, row), row->time_ns, row->time_ns, row->text);
	return span(at, at->from_ns, row->time_ns, row->time_ns, CROOM_JOURNAL_RUNNING, "");
}

static int look_at(void *env, const struct row *row)
{
	struct at *at = env;
	int rc = 0;

	if (!at->fold.chain.rows)
		rc = before_all(at, row);
	else if (row->time_ns < at->fold.last_ns)
		rc = span(at, at->from_ns, at->fold.last_ns + 1, 0, CROOM_JOURNAL_RUNNING, "the clock was set back after that");
	if (rc)
		return rc;
	if (at->fold.chain.rows && row->time_ns < at->fold.last_ns) {
		at->from_ns = row->time_ns;
		at->fold.last_ns = row->time_ns;
	}
	if (changes_state(at, row)) {
		rc = at->fold.chain.rows ? close_span(at, row) : 0;
		at->from_ns = row->time_ns;
		if (row->kind == CROOM_JOURNAL_END)
			at->end_ns = row->time_ns;
	}
	if (rc == 0)
		fold_row(&at->fold, row);
	if (rc == 0 && at->fold.failed)
		rc = croom_error_set(at->err, at->fold.failed, CROOM_ERROR_OTHER, NULL, at->fold.failed == -ENOMEM ? "out of memory" :
				     "%s is damaged: a list of row %" PRIu64 " is none", at->file->path, row->row);
	return rc;
}

static int until_now(struct at *at)
{
	if (!at->fold.chain.rows)
		return croom_error_set(at->err, -ENODATA, CROOM_ERROR_OTHER, NULL, "there is no row in %s", at->file->path);
	if (at->fold.running && !lock_held(at->file->path))
		return died(at, INT64_MAX, "");
	return span(at, at->from_ns, INT64_MAX, 0, CROOM_JOURNAL_RUNNING, "");
}

int croom_journal_file_at(struct croom_journal_file *file, int64_t time_ns,
			  int (*visit)(void *env, const struct croom_journal_moment *moment), void *env, struct croom_error *err)
{
	struct at at = { .file = file, .time_ns = time_ns, .visit = visit, .env = env, .err = err };
	const struct walk walk = { .since_ns = INT64_MIN, .visit = look_at, .env = &at };
	int rc;

	if (err)
		*err = (struct croom_error){ 0 };
	if (time_ns > journal_now_ns(CLOCK_REALTIME))
		return croom_error_set(err, -EINVAL, CROOM_ERROR_OTHER, NULL, "that moment is yet to come");
	rc = file_walk(file->db, file->path, &walk, err);
	rc = rc ? rc : until_now(&at);
	fold_free(&at.fold);
	return rc;
}
