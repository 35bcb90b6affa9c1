/* SPDX-License-Identifier: BSD-2-Clause */
/* A journal's file, read without the program that wrote it: the same JSON as that program's answers. */
#include "ctl.h"
#include <croom/journal-file.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int cannot(const struct ctl *ctl, int rc, const struct croom_error *err)
{
	int code = rc == -EACCES || rc == -EPERM ? NOT_PERMITTED : rc == -EBADMSG ? DAMAGED : FAILED;

	return ctl_fail(ctl, code, rc == -EINVAL ? "org.croom.ctl.Usage" : "org.croom.ctl.Journal", "%s", err->text);
}

static struct croom_journal_file *open_file(const struct ctl *ctl, const char *path, int *code)
{
	struct croom_journal_file *file;
	struct croom_error err;
	int rc = croom_journal_file_open(&file, path, &err);

	*code = rc ? cannot(ctl, rc, &err) : DONE;
	return file;
}

struct rows {
	json_t *list;
	int64_t count;             /* -1: all */
	uint64_t missed, intent;   /* the revision of the last row, when that is an intent; 0: it is not */
};

static int add_row(void *env, const struct croom_journal_row *row)
{
	struct rows *rows = env;
	json_t *changes;

	if (row->kind == CROOM_JOURNAL_KEPT)
		return 0;
	/* A change says all that its intent says. */
	if (row->kind == CROOM_JOURNAL_CHANGED && rows->intent == row->revision && json_array_size(rows->list))
		json_array_remove(rows->list, json_array_size(rows->list) - 1);
	rows->intent = row->kind == CROOM_JOURNAL_INTENT ? row->revision : 0;
	changes = json_array();
	for (unsigned i = 0; i < row->changes; i++)
		json_array_append_new(changes, json_pack("{s:o, s:o, s:o}", "slot", json_text(row->change[i].slot), "from",
							 json_text(row->change[i].from), "to", json_text(row->change[i].to)));
	json_array_append_new(rows->list, json_pack("{s:I, s:I, s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:o}", "row", (json_int_t)row->row,
						    "time_ns", (json_int_t)row->time_ns, "kind", row->word, "cause", row->cause_word,
						    "revision", (json_int_t)row->revision, "uid", (json_int_t)row->uid, "pid",
						    (json_int_t)row->pid, "command", json_text(row->command), "text",
						    json_text(row->text), "changes", changes));
	while (rows->count >= 0 && json_array_size(rows->list) > (size_t)rows->count) {
		json_array_remove(rows->list, 0);
		rows->missed++;
	}
	return 0;
}

json_t *file_rows(const struct ctl *ctl, const char *path, int64_t since_ns, int *code)
{
	struct rows rows = { .list = json_array(), .count = ctl->count };
	struct croom_journal_file *file = open_file(ctl, path, code);
	struct croom_error err;
	int rc;

	if (file) {
		rc = croom_journal_file_each(file, since_ns, add_row, &rows, &err);
		if (rc)
			*code = cannot(ctl, rc, &err);
		croom_journal_file_close(file);
	}
	if (*code) {
		json_decref(rows.list);
		return NULL;
	}
	return json_pack("{s:I, s:o}", "missed", (json_int_t)rows.missed, "rows", rows.list);
}

static int add_moment(void *env, const struct croom_journal_moment *moment)
{
	static const char *const spans[] = { "running", "unsure", "stopped", "unknown" };
	bool known = moment->span == CROOM_JOURNAL_RUNNING || moment->span == CROOM_JOURNAL_UNSURE;
	json_t *slots = json_array();

	for (unsigned i = 0; i < moment->slots; i++)
		json_array_append_new(slots, json_pack("{s:o, s:o, s:b}", "slot", json_text(moment->slot[i].slot), "handler",
						       json_text(moment->slot[i].handler), "waits", moment->slot[i].waits));
	json_array_append_new(env, json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "span", spans[moment->span], "since_ns",
					     (json_int_t)moment->since_ns, "until_ns",
					     moment->until_ns ? json_integer(moment->until_ns) : json_null(), "revision",
					     known ? json_integer((json_int_t)moment->revision) : json_null(), "uid",
					     known ? json_integer((json_int_t)moment->uid) : json_null(), "pid",
					     known ? json_integer((json_int_t)moment->pid) : json_null(), "command",
					     json_text(moment->command), "slots", slots, "text", json_text(moment->text)));
	return 0;
}

json_t *file_at(const struct ctl *ctl, const char *path, int64_t time_ns, int *code)
{
	struct croom_journal_file *file = open_file(ctl, path, code);
	json_t *moments = json_array();
	struct croom_error err;
	int rc;

	if (file) {
		rc = croom_journal_file_at(file, time_ns, add_moment, moments, &err);
		if (rc)
			*code = rc == -EINVAL ? ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "%s", err.text) : cannot(ctl, rc, &err);
		croom_journal_file_close(file);
	}
	if (*code) {
		json_decref(moments);
		return NULL;
	}
	return json_pack("{s:I, s:o}", "time_ns", (json_int_t)time_ns, "moments", moments);
}

static void hex_of(const struct croom_journal_head *head, char *text, size_t size)
{
	int used = snprintf(text, size, "%llu:", (unsigned long long)head->row);

	for (int i = 0; i < CROOM_JOURNAL_HASH; i++)
		snprintf(text + used + 2 * i, size - (size_t)(used + 2 * i), "%02x", head->hash[i]);
}

static bool read_hash(const char *text, unsigned char *hash)
{
	for (int i = 0; i < CROOM_JOURNAL_HASH; i++, text += 2) {
		unsigned byte;

		if (strspn(text, "0123456789abcdefABCDEF") < 2 || sscanf(text, "%2x", &byte) != 1)
			return false;
		hash[i] = (unsigned char)byte;
	}
	return *text == 0;
}

/* ROW:HASH or HASH. */
static bool read_head(const char *text, struct croom_journal_head *head)
{
	const char *colon = strchr(text, ':');
	char *end;

	*head = (struct croom_journal_head){ 0 };
	if (colon) {
		head->row = strtoull(text, &end, 10);
		if (end != colon || *text < '1' || *text > '9')
			return false;
		text = colon + 1;
	}
	return read_hash(text, head->hash);
}

bool head_good(const char *text)
{
	struct croom_journal_head head;

	return read_head(text, &head);
}

json_t *file_head(const struct ctl *ctl, const char *path, int *code)
{
	struct croom_journal_file *file = open_file(ctl, path, code);
	struct croom_journal_head head;
	char text[100] = "";
	struct croom_error err;
	int rc;

	if (!file)
		return NULL;
	rc = croom_journal_file_head(file, &head, &err);
	if (rc == 0 && head.row == 0)
		rc = croom_error_set(&err, -ENODATA, CROOM_ERROR_OTHER, NULL, "there is no row in %s", path);
	croom_journal_file_close(file);
	if (rc) {
		*code = cannot(ctl, rc, &err);
		return NULL;
	}
	hex_of(&head, text, sizeof(text));
	return json_pack("{s:o, s:s}", "path", json_text(path), "head", text);
}

static void add_finding(void *env, const char *what)
{
	/* What a thousand rows have in common need not be told a thousand times. */
	if (json_array_size(env) < FINDINGS_MAX)
		json_array_append_new(env, json_text(what));
}

json_t *file_verify(const struct ctl *ctl, const char *path, int *code)
{
	struct croom_journal_head noted, head = { 0 };
	struct croom_journal_verdict verdict;
	struct croom_journal_file *file;
	json_t *findings;
	struct croom_error err;
	char text[100] = "";
	int rc;

	if (ctl->head)
		read_head(ctl->head, &noted);   /* head_good() has said that it can */
	file = open_file(ctl, path, code);
	if (!file)
		return NULL;
	findings = json_array();
	rc = croom_journal_file_verify(file, ctl->head ? &noted : NULL, add_finding, findings, &verdict, &err);
	if (rc == 0 && verdict.findings == 0)
		rc = croom_journal_file_head(file, &head, &err);
	croom_journal_file_close(file);
	if (rc) {
		json_decref(findings);
		*code = cannot(ctl, rc, &err);
		return NULL;
	}
	hex_of(&head, text, sizeof(text));
	*code = verdict.findings ? DAMAGED : DONE;
	return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:s}", "path", json_text(path), "rows", (json_int_t)verdict.rows, "first",
			 (json_int_t)verdict.first, "last", (json_int_t)verdict.last, "cut", (json_int_t)verdict.cut, "clock_back",
			 (json_int_t)verdict.clock_back, "found", (json_int_t)verdict.findings, "findings", findings, "head",
			 head.row ? text : "");
}
