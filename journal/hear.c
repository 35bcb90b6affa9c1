/* SPDX-License-Identifier: BSD-2-Clause */
/* From the room's events to rows. The room's mutex is held in journal_hear(), and nowhere else here. */
#include "journal-impl.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_MS = 1, LOOK_MAX_MS = 1000 };

/* Words that come with a request and are for people: cut, but not within a character. */
static const char *shorten(const char *text, char *room)
{
	size_t length = strnlen(text, SHORT_MAX);

	if (length < SHORT_MAX)
		return text;
	length = SHORT_MAX - 4;
	while (length && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	memcpy(room, text, length);
	memcpy(room + length, "...", 4);
	return room;
}

/* What was refused may be anything and of any length; what is in force is told whole. */
static const char *changes_of(struct croom_journal *journal, const struct croom_event *event)
{
	struct text *text = &journal->changes;
	char room[SHORT_MAX];
	bool whole = event->kind != CROOM_EVENT_REFUSED;

	text_empty(text);
	for (unsigned i = 0; i < event->changes; i++) {
		const struct croom_history_change *change = &event->change[i];

		text_field(text, whole ? change->slot : shorten(change->slot, room), '\t');
		text_field(text, change->from, '\t');
		text_field(text, whole ? change->to : shorten(change->to, room), '\n');
	}
	return text_of(text);
}

static void add_slot(struct text *text, const char *slot, const char *handler, bool waits)
{
	text_field(text, slot, '\t');
	text_field(text, handler, waits ? '\t' : '\n');
	if (waits)
		text_field(text, "waits", '\n');
}

static const char *handlers_of(struct croom_journal *journal, const struct croom_event *event)
{
	text_empty(&journal->handlers);
	/* The intent has told what the change puts in force. */
	for (unsigned i = 0; i < event->slots && event->kind != CROOM_EVENT_CHANGED; i++)
		add_slot(&journal->handlers, event->slot[i], event->handler[i], event->waits[i]);
	return text_of(&journal->handlers);
}

/* That its lanes are to be looked at soon. */
static void look_later(struct croom_journal *journal, uint64_t revision)
{
	if (journal->laters == LATER_MAX) {
		journal->skipped++;
		memmove(&journal->later[0], &journal->later[1], --journal->laters * sizeof(journal->later[0]));
	}
	journal->later[journal->laters++] = revision;
	journal->look_ms = LOOK_MS;
	journal_arm(journal, LOOK_MS);
}

void journal_hear(void *env, const struct croom_event *event)
{
	static const enum croom_journal_kind kinds[] = { CROOM_JOURNAL_INTENT, CROOM_JOURNAL_CHANGED, CROOM_JOURNAL_REFUSED,
		CROOM_JOURNAL_CONFIRMED, CROOM_JOURNAL_FROZEN, CROOM_JOURNAL_THAWED, CROOM_JOURNAL_QUARANTINED, CROOM_JOURNAL_PARDONED,
		CROOM_JOURNAL_NOTE };
	struct croom_journal *journal = env;
	char command[SHORT_MAX], text[SHORT_MAX];
	struct row row = { .kind = kinds[event->kind], .time_ns = event->time_ns, .cause = event->cause, .revision = event->revision,
		.trusted = event->trusted, .uid = event->uid, .pid = event->pid, .command = shorten(event->command, command),
		.text = shorten(event->text, text) };

	pthread_mutex_lock(&journal->mutex);
	/* Of those that an earlier run left the file has told already. */
	if (event->kind != CROOM_EVENT_QUARANTINED || !event->changes ||
	    !fold_jailed(&journal->fold, event->change[0].slot, event->change[0].to)) {
		row.changes = changes_of(journal, event);
		row.handlers = handlers_of(journal, event);
		if (journal->kept && (journal->changes.failed || journal->handlers.failed))
			journal_stop(journal, "out of memory");
		journal_append(journal, &row);
	}
	if (event->kind == CROOM_EVENT_CHANGED)
		look_later(journal, event->revision);
	pthread_mutex_unlock(&journal->mutex);
}

struct state {
	struct text *text;
	uint64_t revision;
	int64_t since_ns;
	bool waits;
};

static int see_slot(void *env, const struct croom_slot_view *slot)
{
	struct state *state = env;
	bool waits = *slot->trial && strcmp(slot->trial, "profile");

	add_slot(state->text, slot->name, slot->handler, waits);
	state->revision = slot->revision;
	state->waits |= waits;
	if (slot->since_ns > state->since_ns)
		state->since_ns = slot->since_ns;
	return 0;
}

void journal_hear_state(struct croom_journal *journal)
{
	struct state state = { .text = &journal->handlers };
	struct row row = { .kind = CROOM_JOURNAL_START, .uid = getuid(), .pid = getpid(), .command = "", .text = "", .changes = "" };

	text_empty(state.text);
	croom_room_each_slot(journal->room, see_slot, &state);
	row.handlers = text_of(state.text);
	row.time_ns = state.since_ns;
	row.revision = state.revision;
	row.trusted = !state.waits;
	fold_row(&journal->fold, &row);
}

static void write_observed(struct croom_journal *journal, const struct croom_swap_result *result)
{
	char number[24], text[96] = "", note[48];
	struct row row = { .kind = CROOM_JOURNAL_OBSERVED, .time_ns = journal_now_ns(CLOCK_REALTIME), .revision = result->revision,
		.uid = getuid(), .pid = getpid(), .command = "", .text = text, .handlers = "" };

	text_empty(&journal->changes);
	for (unsigned i = 0; i < result->lanes; i++) {
		const struct croom_lane_start *lane = &result->lane[i];

		number[0] = 0;
		if (lane->first_record)
			snprintf(number, sizeof(number), "%llu", (unsigned long long)lane->first_record);
		snprintf(note, sizeof(note), "%s", lane->parked ? "asleep" : "");
		if (lane->revision > result->revision)
			snprintf(note, sizeof(note), "went to revision %llu", (unsigned long long)lane->revision);
		text_field(&journal->changes, lane->lane, '\t');
		text_field(&journal->changes, number, '\t');
		text_field(&journal->changes, note, '\n');
	}
	if (journal->skipped)
		snprintf(text, sizeof(text), "%llu changes before it were not looked at in time", (unsigned long long)journal->skipped);
	journal->skipped = 0;
	row.changes = text_of(&journal->changes);
	journal_append(journal, &row);
}

/* The oldest that is to be looked at; 0: none. */
static uint64_t next_later(struct croom_journal *journal, uint64_t after)
{
	uint64_t revision = 0;

	pthread_mutex_lock(&journal->mutex);
	for (unsigned i = 0; i < journal->laters && !revision && journal->kept; i++)
		if (journal->later[i] > after)
			revision = journal->later[i];
	pthread_mutex_unlock(&journal->mutex);
	return revision;
}

static void drop_later(struct croom_journal *journal, uint64_t revision)
{
	for (unsigned i = 0; i < journal->laters; i++)
		if (journal->later[i] == revision) {
			memmove(&journal->later[i], &journal->later[i + 1], (--journal->laters - i) * sizeof(journal->later[0]));
			break;
		}
}

void journal_hear_observed(struct croom_journal *journal)
{
	struct croom_swap_result result;
	uint64_t revision = 0;

	/* The room is asked without our mutex. What could not be written now can wait. */
	while ((revision = next_later(journal, revision))) {
		int rc = croom_room_poll(journal->room, revision, &result, NULL);

		if (rc)
			continue;
		pthread_mutex_lock(&journal->mutex);
		drop_later(journal, revision);
		write_observed(journal, &result);
		pthread_mutex_unlock(&journal->mutex);
	}
	pthread_mutex_lock(&journal->mutex);
	if (journal->laters && journal->kept) {
		journal_arm(journal, journal->look_ms);
		journal->look_ms = journal->look_ms < LOOK_MAX_MS / 2 ? 2 * journal->look_ms : LOOK_MAX_MS;
	}
	pthread_mutex_unlock(&journal->mutex);
}
