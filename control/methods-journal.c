/* SPDX-License-Identifier: BSD-2-Clause */
/* Methods that read the journal: its file, as anybody else would, while it is being written. */
#include "server.h"
#include <croom/journal-file.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT_DEFAULT = 1000, COUNT_MAX = 10000 };

static void no_journal(struct client *client, const char *why)
{
	reply_error(client, "org.croom.Room.NoJournal", json_pack("{s:o}", "message", show_string(why)));
}

/* NULL: there is none, and that was answered. */
static struct croom_journal_file *open_file(struct croom_control *control, struct client *client)
{
	struct croom_journal_file *file = NULL;
	struct croom_error err;

	if (!control->journal)
		no_journal(client, "this program keeps no journal; croomtap does with --state DIRECTORY");
	else if (croom_journal_file_open(&file, croom_journal_path(control->journal), &err))
		no_journal(client, err.text);
	return file;
}

/* The list, if it has all of them: a change for which there was no memory must not look as if there had been none. */
static json_t *whole(json_t *list, size_t count)
{
	if (json_array_size(list) == count)
		return list;
	json_decref(list);
	return NULL;
}

/* The newest rows that fit, oldest first. */
struct rows {
	json_t *list;
	size_t count, used;        /* at most so many; bytes */
	size_t *size, first;       /* of each (a ring of count + 1), from here on */
	uint64_t missed, intent;   /* the revision of the last row, when that is an intent; 0: it is not */
	bool failed;
};

static void drop_oldest(struct rows *rows)
{
	json_array_remove(rows->list, 0);
	rows->used -= rows->size[rows->first];
	rows->first = (rows->first + 1) % (rows->count + 1);
	rows->missed++;
}

/* Its change says all that it says. */
static void drop_intent(struct rows *rows)
{
	size_t last = json_array_size(rows->list) - 1;

	json_array_remove(rows->list, last);
	rows->used -= rows->size[(rows->first + last) % (rows->count + 1)];
}

static json_t *show_row(const struct croom_journal_row *row, size_t *used)
{
	size_t limit = SHOWN_MAX / 4 / (row->changes ? row->changes : 1);
	json_t *changes = json_array();

	*used = strlen(row->command) + strlen(row->text) + 100;
	for (unsigned i = 0; i < row->changes; i++)
		json_array_append_new(changes, json_pack("{s:o, s:o, s:o}", "slot", show_handler(row->change[i].slot, limit, used), "from",
							 show_handler(row->change[i].from, limit, used), "to",
							 show_handler(row->change[i].to, limit, used)));
	return json_pack("{s:I, s:I, s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:o}", "row", (json_int_t)row->row, "time_ns",
			 (json_int_t)row->time_ns, "kind", row->word, "cause", row->cause_word, "revision", (json_int_t)row->revision, "uid",
			 (json_int_t)row->uid, "pid", (json_int_t)row->pid, "command", show_string(row->command), "text",
			 show_string(row->text), "changes", whole(changes, row->changes));
}

static int add_row(void *env, const struct croom_journal_row *row)
{
	struct rows *rows = env;
	size_t used;
	json_t *shown;

	/* For those who read the file alone. */
	if (row->kind == CROOM_JOURNAL_KEPT)
		return 0;
	if (row->kind == CROOM_JOURNAL_CHANGED && rows->intent == row->revision && json_array_size(rows->list))
		drop_intent(rows);
	rows->intent = row->kind == CROOM_JOURNAL_INTENT ? row->revision : 0;
	shown = show_row(row, &used);
	rows->failed |= json_array_append_new(rows->list, shown) != 0;
	if (rows->failed)
		return -ENOMEM;
	rows->size[(rows->first + json_array_size(rows->list) - 1) % (rows->count + 1)] = used;
	rows->used += used;
	while (json_array_size(rows->list) > rows->count || (rows->used > SHOWN_MAX && json_array_size(rows->list) > 1))
		drop_oldest(rows);
	return 0;
}

void do_journal(struct croom_control *control, struct client *client, json_t *parameters)
{
	static const char *const known[] = { "since_ns", "count", NULL };
	int64_t since_ns = INT64_MIN, count = COUNT_DEFAULT;
	struct croom_journal_file *file;
	struct croom_error err;
	struct rows rows = { 0 };
	int rc;

	if (!only(client, parameters, known) || !read_number(client, parameters, "since_ns", INT64_MIN, INT64_MAX, &since_ns) ||
	    !read_number(client, parameters, "count", 1, COUNT_MAX, &count))
		return;
	file = open_file(control, client);
	if (!file)
		return;
	rows.list = json_array();
	rows.count = (size_t)count;
	rows.size = calloc(rows.count + 1, sizeof(rows.size[0]));
	rc = rows.list && rows.size ? croom_journal_file_each(file, since_ns, add_row, &rows, &err) : -ENOMEM;
	if (rc && rc != -ENOMEM)
		no_journal(client, err.text);
	else
		/* Without memory there is no answer: half of one would be taken for the whole. */
		reply(client, rc ? NULL : json_pack("{s:I, s:O}", "missed", (json_int_t)rows.missed, "rows", rows.list), false);
	croom_journal_file_close(file);
	json_decref(rows.list);
	free(rows.size);
}

static json_t *show_slots(const struct croom_journal_moment *moment)
{
	size_t limit = SHOWN_MAX / 4 / (moment->slots ? moment->slots : 1), used = 0;
	json_t *slots = json_array();

	for (unsigned i = 0; i < moment->slots; i++)
		json_array_append_new(slots, json_pack("{s:o, s:o, s:b}", "slot", show_string(moment->slot[i].slot), "handler",
						       show_handler(moment->slot[i].handler, limit, &used), "waits",
						       moment->slot[i].waits));
	return whole(slots, moment->slots);
}

struct moments {
	json_t *list;
	const char *doubt;         /* why the last rows may not tell it; "": they do */
};

/* What the file says of it, as far as that can be: behind its last row changes may have come that it could not take. */
static enum croom_journal_span span_of(const struct croom_journal_moment *moment, bool doubted)
{
	if (!doubted)
		return moment->span;
	return moment->span == CROOM_JOURNAL_RUNNING || moment->span == CROOM_JOURNAL_UNSURE ? CROOM_JOURNAL_UNSURE : CROOM_JOURNAL_UNKNOWN;
}

static int add_moment(void *env, const struct croom_journal_moment *moment)
{
	static const char *const spans[] = { "running", "unsure", "stopped", "unknown" };
	struct moments *moments = env;
	bool doubted = *moments->doubt && !moment->until_ns;
	enum croom_journal_span span = span_of(moment, doubted);
	bool known = span == CROOM_JOURNAL_RUNNING || span == CROOM_JOURNAL_UNSURE;
	json_t *shown = json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "span", spans[span], "since_ns",
				  (json_int_t)moment->since_ns, "until_ns",
				  moment->until_ns ? json_integer(moment->until_ns) : json_null(), "revision",
				  known ? json_integer((json_int_t)moment->revision) : json_null(), "uid",
				  known ? json_integer((json_int_t)moment->uid) : json_null(), "pid",
				  known ? json_integer((json_int_t)moment->pid) : json_null(), "command", show_string(moment->command),
				  "slots", show_slots(moment), "text", show_string(doubted ? moments->doubt : moment->text));

	/* A clock that was set back so often has set nothing right. */
	if (json_array_size(moments->list) >= 3)
		json_array_remove(moments->list, 0);
	return json_array_append_new(moments->list, shown) ? -ENOMEM : 0;
}

/* The moment is one of which rows are missing that the journal has still to tell of. */
static void say_doubt(const struct croom_control *control, int64_t time_ns, char *text, size_t size)
{
	struct croom_journal_state state;

	croom_journal_look(control->journal, &state);
	*text = 0;
	if (!state.kept && state.lost_since_ns && time_ns >= state.lost_since_ns)
		snprintf(text, size, "the journal is not kept, and rows of that time are lost: %s; `croomctl list` shows what is in force now",
			 state.why);
}

void do_at(struct croom_control *control, struct client *client, json_t *parameters)
{
	static const char *const known[] = { "time_ns", NULL };
	struct croom_journal_file *file;
	struct croom_error err;
	int64_t time_ns = INT64_MIN;
	struct moments moments;
	char doubt[400];
	int rc;

	if (!only(client, parameters, known) || !read_number(client, parameters, "time_ns", INT64_MIN + 1, INT64_MAX, &time_ns))
		return;
	if (time_ns == INT64_MIN) {
		invalid(client, "time_ns", "time_ns must be a whole number of nanoseconds since 1970");
		return;
	}
	file = open_file(control, client);
	if (!file)
		return;
	say_doubt(control, time_ns, doubt, sizeof(doubt));
	moments = (struct moments){ json_array(), doubt };
	rc = croom_journal_file_at(file, time_ns, add_moment, &moments, &err);
	if (rc == -EINVAL)
		invalid(client, "time_ns", err.text);
	else if (rc && rc != -ENOMEM)
		no_journal(client, err.text);
	else
		reply(client, rc ? NULL : json_pack("{s:I, s:O}", "time_ns", (json_int_t)time_ns, "moments", moments.list), false);
	croom_journal_file_close(file);
	json_decref(moments.list);
}
