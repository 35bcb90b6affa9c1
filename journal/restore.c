/* SPDX-License-Identifier: BSD-2-Clause */
/* The way back: the last confirmed state, together with what the program chooses itself. */
#include "journal-impl.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct restore {
	struct croom_room *room;
	const struct croom_journal_choice *choice;
	unsigned choices;
	struct list then;          /* the state to be restored */
	bool same[CROOM_SLOTS_MAX];                /* by line of it: sits in its slot already */
	bool leave[CROOM_SLOTS_MAX];               /* by line: is not to be restored any more */
	struct croom_change change[2 * CROOM_SLOTS_MAX];
	unsigned changes;
	struct croom_journal_restored *restored;
};

static void say(struct restore *restore, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct restore *restore, const char *format, ...)
{
	char *text = restore->restored->text;
	size_t size = sizeof(restore->restored->text), used = strlen(text);
	va_list args;

	if (used && used + 1 < size) {
		text[used++] = '\n';
		text[used] = 0;
	}
	va_start(args, format);
	vsnprintf(text + used, size - used, format, args);
	va_end(args);
}

static int see_slot(void *env, const struct croom_slot_view *slot)
{
	struct restore *restore = env;
	int line = list_find(&restore->then, slot->name);

	if (line >= 0)
		restore->same[line] = strcmp(restore->then.field[line][1], slot->handler) == 0;
	return 0;
}

static const struct croom_journal_choice *choice_of(const struct restore *restore, const char *slot)
{
	for (unsigned i = 0; i < restore->choices; i++)
		if (strcmp(restore->choice[i].slot, slot) == 0)
			return &restore->choice[i];
	return NULL;
}

/* Is this line of the state to be put back? */
static bool wanted(const struct restore *restore, unsigned line)
{
	const struct croom_journal_choice *choice = choice_of(restore, restore->then.field[line][0]);

	return !restore->leave[line] && !(choice && choice->asked);
}

/* What the program asks for, what is restored, and the program's second choice where neither is. */
static void collect(struct restore *restore)
{
	restore->changes = 0;
	for (unsigned i = 0; i < restore->then.lines; i++) {
		const char *slot = restore->then.field[i][0], *handler = restore->then.field[i][1];

		if (wanted(restore, i) && !restore->same[i])
			restore->change[restore->changes++] = (struct croom_change){ slot, handler };
	}
	for (unsigned i = 0; i < restore->choices && restore->changes < 2 * CROOM_SLOTS_MAX; i++) {
		int line = list_find(&restore->then, restore->choice[i].slot);

		if (line < 0 || !wanted(restore, (unsigned)line))
			restore->change[restore->changes++] =
				(struct croom_change){ restore->choice[i].slot, restore->choice[i].handler };
	}
}

/* Each line alone: would the room take it? */
static void leave_out_refused(struct restore *restore, const struct croom_origin *origin)
{
	const struct croom_swap_options dry = { .origin = origin, .dry_run = true };
	struct croom_error err;

	for (unsigned i = 0; i < restore->then.lines; i++) {
		const struct croom_change change = { restore->then.field[i][0], restore->then.field[i][1] };

		if (!wanted(restore, i) || croom_room_swap(restore->room, &change, 1, &dry, NULL, &err) == 0)
			continue;
		restore->leave[i] = true;
		restore->restored->refused++;
		say(restore, "NOT restored: %s=%.200s: %s", change.slot, change.handler, err.text);
	}
}

static int swap(struct restore *restore, const struct croom_origin *origin, struct croom_error *err)
{
	const struct croom_swap_options options = { .wait_ms = 0, .origin = origin };

	collect(restore);
	return restore->changes ? croom_room_swap(restore->room, restore->change, restore->changes, &options, NULL, err) : 0;
}

/* Is there anything that would be put back? */
static bool any(const struct restore *restore)
{
	for (unsigned i = 0; i < restore->then.lines; i++)
		if (wanted(restore, i) && !restore->same[i])
			return true;
	return false;
}

static int put_back(struct restore *restore, const struct croom_origin *origin, struct croom_error *err)
{
	int rc = swap(restore, origin, err);

	if (rc == 0 || !any(restore))
		return rc;
	leave_out_refused(restore, origin);
	if (restore->restored->refused)
		rc = swap(restore, origin, err);
	if (rc == 0)
		return 0;
	/* Each would go, and yet not all: perhaps two want the same file. What the program asks for comes first. */
	for (unsigned i = 0; i < restore->then.lines; i++) {
		if (!wanted(restore, i))
			continue;
		restore->leave[i] = true;
		restore->restored->refused++;
		say(restore, "NOT restored: %s=%.200s: %s", restore->then.field[i][0], restore->then.field[i][1], err->text);
	}
	return swap(restore, origin, err);
}

/* For people: what is in force again. */
static void say_restored(struct restore *restore, const struct held *then)
{
	char list[1200] = "", when[40];

	for (unsigned i = 0; i < restore->then.lines; i++) {
		size_t used = strlen(list);

		if (!wanted(restore, i) || restore->same[i])
			continue;
		restore->restored->handlers++;
		snprintf(list + used, sizeof(list) - used, " %s=%.200s", restore->then.field[i][0], restore->then.field[i][1]);
	}
	journal_say_time(then->since_ns, when, sizeof(when));
	if (restore->restored->handlers)
		say(restore, "restored what was in force as revision %llu since %s:%s", (unsigned long long)then->revision, when, list);
}

static void say_unconfirmed(struct restore *restore, const struct croom_journal *journal)
{
	for (const struct jailed *one = journal->fold.jailed; one; one = one->next)
		say(restore, "%s=%.200s is in quarantine: %s", one->slot, one->handler, one->why);
	if (!journal->inherited)
		say(restore, "NOTHING is restored: %s", journal->why);
	if (journal->unconfirmed && !journal->died)
		say(restore, "revision %llu was not confirmed before the end, and is not restored",
		    (unsigned long long)journal->unconfirmed->revision);
}

int croom_journal_restore(struct croom_journal *journal, const struct croom_journal_choice *choice, unsigned count,
			  const struct croom_origin *origin, struct croom_journal_restored *restored, struct croom_error *err)
{
	struct croom_journal_restored own_restored = { 0 };
	struct restore *restore = calloc(1, sizeof(*restore));
	struct croom_origin who = { 0 };
	struct croom_error own = { 0 };
	const struct held *then;
	char command[256], when[40];
	int rc;

	err = err ? err : &own;
	*err = (struct croom_error){ 0 };
	if (!restore)
		return croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory");
	restore->restored = restored ? restored : &own_restored;
	*restore->restored = (struct croom_journal_restored){ 0 };
	restore->room = journal->room;
	restore->choice = choice;
	restore->choices = count;
	pthread_mutex_lock(&journal->mutex);
	then = journal->restorable;
	restore->restored->died = journal->died;
	say_unconfirmed(restore, journal);
	pthread_mutex_unlock(&journal->mutex);
	if (origin)
		who = *origin;
	if (then && list_read(&restore->then, then->handlers)) {
		say(restore, "NOT restored: the state in %s cannot be read", journal->path);
		restore->then.lines = 0;
		then = NULL;
	}
	if (then) {
		journal_say_time(then->since_ns, when, sizeof(when));
		snprintf(command, sizeof(command), "%.120s%srestored: revision %llu of %s", who.command ? who.command : "",
			 who.command ? "; " : "", (unsigned long long)then->revision, when);
		who.command = command;
		croom_room_each_slot(journal->room, see_slot, restore);
	}
	rc = put_back(restore, &who, err);
	if (rc == 0 && then) {
		restore->restored->revision = then->revision;
		restore->restored->time_ns = then->since_ns;
		say_restored(restore, then);
	}
	list_free(&restore->then);
	free(restore);
	return rc;
}
