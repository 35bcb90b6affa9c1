/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening, ticking, closing. */
#include "journal-impl.h"
#include <croom/inspect.h>
#include <croom/trial.h>
#include <croom/wire.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { WAL_PAGES = 1000, ROWS_LEAST = 100, AGAIN_MS = 100 };

static double lost_rows(void *env)
{
	bool kept;

	return (double)croom_journal_lost(env, &kept);
}

static void journal_free(struct croom_journal *journal)
{
	sqlite3_finalize(journal->insert);
	sqlite3_close(journal->db);
	fold_free(&journal->fold);
	held_put(journal->restorable);
	held_put(journal->unconfirmed);
	if (journal->lock >= 0)
		close(journal->lock);
	if (journal->timer >= 0)
		close(journal->timer);
	pthread_mutex_destroy(&journal->mutex);
	free(journal->changes.data);
	free(journal->handlers.data);
	free(journal->directory);
	free(journal->path);
	free(journal->lock_path);
	free(journal->program);
	free(journal);
}

static struct croom_journal *journal_new(struct croom_room *room, const char *directory, const struct croom_journal_options *options)
{
	struct croom_journal *journal = calloc(1, sizeof(*journal));

	if (!journal)
		return NULL;
	pthread_mutex_init(&journal->mutex, NULL);
	journal->room = room;
	journal->lock = -1;
	journal->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	journal->rows_max = options && options->rows_max ? options->rows_max : CROOM_JOURNAL_ROWS;
	journal->bytes_max = options && options->bytes_max ? options->bytes_max : CROOM_JOURNAL_BYTES;
	if (journal->rows_max < ROWS_LEAST)
		journal->rows_max = ROWS_LEAST;
	journal->directory = strdup(directory);
	journal->program = strdup(options && options->program ? options->program : "");
	if (asprintf(&journal->path, "%s/%s.journal", directory, croom_room_name(room)) < 0)
		journal->path = NULL;
	if (asprintf(&journal->lock_path, "%s/%s.journal.lock", directory, croom_room_name(room)) < 0)
		journal->lock_path = NULL;
	text_empty(&journal->changes);
	text_empty(&journal->handlers);
	if (journal->timer < 0 || !journal->directory || !journal->program || !journal->path || !journal->lock_path ||
	    journal->changes.failed || journal->handlers.failed) {
		journal_free(journal);
		return NULL;
	}
	return journal;
}

/* One that is in quarantine, or none: false. */
static int jailed_at(struct croom_journal *journal, unsigned index, struct text *text)
{
	const struct jailed *one;

	text_empty(text);
	pthread_mutex_lock(&journal->mutex);
	for (one = journal->fold.jailed; one && index; index--)
		one = one->next;
	if (one) {
		text_field(text, one->slot, '\t');
		text_field(text, one->handler, '\t');
		text_field(text, one->why, '\n');
	}
	pthread_mutex_unlock(&journal->mutex);
	return text->failed ? -ENOMEM : one ? 0 : -ENOENT;
}

/* The room, too, refuses who is in quarantine. It must be called without our mutex, so each is copied. 0, or -ENOMEM. */
static int tell_room(struct croom_journal *journal)
{
	struct text text = { 0 };
	struct list list = { 0 };
	int rc;

	for (unsigned i = 0; (rc = jailed_at(journal, i, &text)) == 0; i++) {
		rc = list_read(&list, text.data);
		if (rc == 0)
			rc = croom_room_quarantine(journal->room, list.field[0][0], list.field[0][1], list.field[0][2]);
		/* Of a slot that there is no more nobody is to be kept. */
		if (rc == -ENOMEM)
			break;
	}
	list_free(&list);
	free(text.data);
	return rc == -ENOMEM ? rc : 0;
}

int croom_journal_open(struct croom_journal **out, struct croom_room *room, const char *directory,
		       const struct croom_journal_options *options, struct croom_error *err)
{
	struct croom_journal *journal = journal_new(room, directory, options);
	struct croom_error own = { 0 };
	int rc;

	*out = journal;
	err = err ? err : &own;
	*err = (struct croom_error){ 0 };
	if (!journal)
		return croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory");
	journal_hear_state(journal);
	pthread_mutex_lock(&journal->mutex);
	rc = journal_begin(journal, err);
	pthread_mutex_unlock(&journal->mutex);
	croom_room_listen(room, journal_hear, journal);
	croom_room_gauge_add(room, "journal_lost", "rows", lost_rows, journal);
	if (tell_room(journal) == 0)
		return rc;
	/* Not without its quarantine. */
	croom_journal_close(journal);
	*out = NULL;
	return croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory");
}

const char *croom_journal_path(const struct croom_journal *journal)
{
	return journal->path;
}

int croom_journal_fd(const struct croom_journal *journal)
{
	return journal->timer;
}

/* Is it time to try again, and did it go well? */
static bool again(struct croom_journal *journal)
{
	bool began, tried = !journal->kept && journal_now_ns(CLOCK_MONOTONIC) >= journal->retry_ns;
	struct croom_error err;

	began = tried && journal_begin(journal, &err) == 0;
	if (!journal->kept && !tried)
		journal_arm(journal, (journal->retry_ns - journal_now_ns(CLOCK_MONOTONIC)) / 1000000 + 1);
	return began;
}

void croom_journal_tick(struct croom_journal *journal)
{
	uint64_t times;
	bool began;

	pthread_mutex_lock(&journal->mutex);
	if (read(journal->timer, &times, sizeof(times)) == sizeof(times) || journal_now_ns(CLOCK_MONOTONIC) >= journal->due_ns)
		journal->due_ns = 0;
	began = again(journal);
	pthread_mutex_unlock(&journal->mutex);
	if (began || journal->untold)
		journal->untold = tell_room(journal) != 0;
	journal_hear_observed(journal);
	pthread_mutex_lock(&journal->mutex);
	if (journal->untold)
		journal_arm(journal, AGAIN_MS);
	if (journal->kept)
		journal_cut(journal);
	if (journal->kept && journal->wal_pages > WAL_PAGES)
		journal_checkpoint(journal);
	pthread_mutex_unlock(&journal->mutex);
}

uint64_t croom_journal_lost(const struct croom_journal *journal, bool *kept)
{
	/* relaxed: figures for people; written with the mutex held. */
	*kept = croom_get_relaxed(&journal->shows_kept) != 0;
	return croom_get_relaxed(&journal->lost_all);
}

void croom_journal_look(struct croom_journal *journal, struct croom_journal_state *state)
{
	pthread_mutex_lock(&journal->mutex);
	*state = (struct croom_journal_state){ .kept = journal->kept, .rows = journal->chain.rows, .lost = journal->lost_all,
		.lost_since_ns = journal->lost ? journal->lost_first_ns : 0 };
	memcpy(state->why, journal->why, sizeof(state->why));
	pthread_mutex_unlock(&journal->mutex);
}

/* Everything into the file itself, and nothing beside it. */
static void settle(struct croom_journal *journal)
{
	sqlite3_finalize(journal->insert);
	journal->insert = NULL;
	sqlite3_db_config(journal->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	sqlite3_close(journal->db);
	journal->db = NULL;
}

void croom_journal_close(struct croom_journal *journal)
{
	struct row row = { .kind = CROOM_JOURNAL_END, .uid = getuid(), .pid = getpid(), .command = "", .text = "", .changes = "",
			   .handlers = "" };

	if (!journal)
		return;
	croom_room_listen(journal->room, NULL, NULL);
	croom_room_gauge_remove(journal->room, "journal_lost");
	/* The last chance for what could not be written. */
	pthread_mutex_lock(&journal->mutex);
	journal->retry_ns = 0;
	pthread_mutex_unlock(&journal->mutex);
	croom_journal_tick(journal);
	pthread_mutex_lock(&journal->mutex);
	row.revision = journal->fold.current ? journal->fold.current->revision : 0;
	row.time_ns = journal_now_ns(CLOCK_REALTIME);
	journal_append(journal, &row);
	if (journal->kept)
		settle(journal);
	pthread_mutex_unlock(&journal->mutex);
	journal_free(journal);
}
