/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What rows add up to, one after the other: at the start from the file, then from what happens, whether it could be
 * written or not.
 *
 * Rows that begin a run, tell of lost ones or of cut ones (start, lost, cut) make a reader forget who is in
 * quarantine: who still is follows in the same transaction. So a reader is right also where the rows before are not
 * there.
 */
#include "journal-impl.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct held *held_get(struct held *held)
{
	if (held)
		held->refs++;
	return held;
}

void held_put(struct held *held)
{
	if (held && --held->refs == 0)
		free(held);
}

static struct held *held_new(struct fold *fold, const struct row *row)
{
	size_t handlers = strlen(row->handlers) + 1, command = strlen(row->command) + 1;
	struct held *held = malloc(sizeof(*held) + handlers + command);

	if (!held) {
		fold->failed = -ENOMEM;
		return NULL;
	}
	*held = (struct held){ .refs = 1, .since_ns = row->time_ns, .revision = row->revision, .cause = row->cause,
		.trusted = row->trusted, .uid = row->uid, .pid = row->pid };
	memcpy(held->handlers, row->handlers, handlers);
	held->command = memcpy(held->handlers + handlers, row->command, command);
	return held;
}

/* Of a row that tells a state again: since when it is, and of which process, is in its list. */
static struct held *held_again(struct fold *fold, const struct row *row)
{
	struct list list = { 0 };
	struct row as = *row;
	int rc = list_read(&list, row->changes), since = list_find(&list, "since"), pid = list_find(&list, "pid");

	if (rc == 0 && since >= 0)
		as.time_ns = strtoll(list.field[since][1], NULL, 10);
	else
		fold->failed = rc ? rc : -EBADMSG;
	if (rc == 0 && pid >= 0 && !fold->pid)
		fold->pid = (pid_t)strtol(list.field[pid][1], NULL, 10);
	list_free(&list);
	return held_new(fold, &as);
}

/* Takes the reference. */
static void set(struct held **at, struct held *held)
{
	held_put(*at);
	*at = held;
}

static void free_jailed(struct fold *fold)
{
	while (fold->jailed) {
		struct jailed *next = fold->jailed->next;

		free(fold->jailed);
		fold->jailed = next;
	}
}

void fold_free(struct fold *fold)
{
	set(&fold->intent, NULL);
	set(&fold->current, NULL);
	set(&fold->good, NULL);
	free_jailed(fold);
}

static struct jailed **jailed_at(struct fold *fold, const char *slot, const char *handler)
{
	struct jailed **at = &fold->jailed;

	while (*at && (strcmp((*at)->slot, slot) || strcmp((*at)->handler, handler)))
		at = &(*at)->next;
	return at;
}

struct jailed *fold_jailed(const struct fold *fold, const char *slot, const char *handler)
{
	struct jailed *one = fold->jailed;

	while (one && (strcmp(one->slot, slot) || strcmp(one->handler, handler)))
		one = one->next;
	return one;
}

void fold_jail(struct fold *fold, const char *slot, const char *handler, const char *why)
{
	size_t sizes[] = { strlen(slot) + 1, strlen(handler) + 1, strlen(why) + 1 };
	struct jailed **at = jailed_at(fold, slot, handler), *jailed;

	if (*at)
		return;
	jailed = malloc(sizeof(*jailed) + sizes[0] + sizes[1] + sizes[2]);
	if (!jailed) {
		fold->failed = -ENOMEM;
		return;
	}
	jailed->next = NULL;
	memcpy(jailed->slot, slot, sizes[0]);
	jailed->handler = memcpy(jailed->slot + sizes[0], handler, sizes[1]);
	jailed->why = memcpy(jailed->slot + sizes[0] + sizes[1], why, sizes[2]);
	*at = jailed;
}

static void fold_quarantine(struct fold *fold, const struct row *row)
{
	struct list list = { 0 };
	struct jailed **at, *gone;
	int rc = list_read(&list, row->changes);

	if (rc == 0 && list.lines == 1) {
		if (row->kind == CROOM_JOURNAL_QUARANTINED) {
			fold_jail(fold, list.field[0][0], list.field[0][2], row->text);
		} else {
			at = jailed_at(fold, list.field[0][0], list.field[0][2]);
			gone = *at;
			if (gone) {
				*at = gone->next;
				free(gone);
			}
		}
	} else {
		fold->failed = rc ? rc : -EBADMSG;
	}
	list_free(&list);
}

/* Whether this state needs nobody any more: then a restart goes back to it. */
static void settle(struct fold *fold)
{
	if (fold->current && fold->current->trusted)
		set(&fold->good, held_get(fold->current));
}

/* Since when, and by whom, is what the change said. */
static void fold_confirmed(struct fold *fold, const struct row *row)
{
	const struct held *was = fold->current;
	struct row as = *row;

	if (was && was->revision == row->revision) {
		as.time_ns = was->since_ns;
		as.cause = was->cause;
		as.uid = was->uid;
		as.pid = was->pid;
		as.command = was->command;
	}
	set(&fold->current, held_new(fold, &as));
	settle(fold);
}

/* It is published. Without its intent nobody knows what it is. */
static void fold_changed(struct fold *fold, const struct row *row)
{
	bool known = fold->intent && fold->intent->revision == row->revision;

	set(&fold->current, known ? fold->intent : NULL);
	if (known)
		fold->intent = NULL;
	else
		set(&fold->intent, NULL);
	settle(fold);
}

static void fold_state(struct fold *fold, const struct row *row)
{
	switch (row->kind) {
	case CROOM_JOURNAL_START:
		fold->pid = row->pid;
		set(&fold->intent, NULL);
		set(&fold->current, held_new(fold, row));
		break;
	case CROOM_JOURNAL_INTENT: set(&fold->intent, held_new(fold, row)); break;
	case CROOM_JOURNAL_CHANGED: fold_changed(fold, row); break;
	case CROOM_JOURNAL_CONFIRMED: fold_confirmed(fold, row); break;
	case CROOM_JOURNAL_LOST:
		set(&fold->intent, NULL);
		set(&fold->current, *row->handlers ? held_again(fold, row) : NULL);
		settle(fold);
		break;
	case CROOM_JOURNAL_CUT:
		/* It changes nothing, but who has not read what was before knows nothing yet. */
		if (!fold->current && *row->handlers) {
			set(&fold->current, held_again(fold, row));
			settle(fold);
		}
		break;
	case CROOM_JOURNAL_KEPT: set(&fold->good, held_again(fold, row)); break;
	default: break;
	}
}

void fold_row(struct fold *fold, const struct row *row)
{
	if (row->kind == CROOM_JOURNAL_START || row->kind == CROOM_JOURNAL_LOST || row->kind == CROOM_JOURNAL_CUT)
		free_jailed(fold);
	if (row->kind == CROOM_JOURNAL_QUARANTINED || row->kind == CROOM_JOURNAL_PARDONED)
		fold_quarantine(fold, row);
	/* Whoever writes runs, also where the row that began the run was cut away. */
	fold->running = row->kind != CROOM_JOURNAL_END;
	fold_state(fold, row);
	fold->chain.rows++;
	fold->chain.bytes += row_bytes(row);
	if (!fold->chain.first)
		fold->chain.first = row->row;
	fold->chain.last = row->row;
	memcpy(fold->chain.hash, row->hash, HASH);
	fold->last_ns = row->time_ns;
}

void journal_say_time(int64_t ns, char *text, size_t size)
{
	time_t second = (time_t)(ns / 1000000000);
	struct tm local;

	if (!localtime_r(&second, &local) || !strftime(text, size, "%F %T", &local))
		*text = 0;
}
