/* SPDX-License-Identifier: BSD-2-Clause */
/* A journal that is read: opening it, and its rows as they are shown. */
#include "reader-impl.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int croom_journal_file_open(struct croom_journal_file **out, const char *path, struct croom_error *err)
{
	struct croom_journal_file *file = calloc(1, sizeof(*file));
	int rc;

	*out = NULL;
	if (err)
		*err = (struct croom_error){ 0 };
	if (file)
		file->path = strdup(path);
	if (!file || !file->path) {
		free(file);
		return croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory");
	}
	rc = file_open(&file->db, path, false, err);
	if (rc) {
		croom_journal_file_close(file);
		return rc;
	}
	*out = file;
	return 0;
}

void croom_journal_file_close(struct croom_journal_file *file)
{
	if (!file)
		return;
	sqlite3_close(file->db);
	list_free(&file->changes);
	list_free(&file->handlers);
	free(file->path);
	free(file);
}

static int bad_list(const struct croom_journal_file *file, int rc, uint64_t row, struct croom_error *err)
{
	if (rc == -ENOMEM)
		return croom_error_set(err, rc, CROOM_ERROR_OTHER, NULL, "out of memory");
	return croom_error_set(err, rc, CROOM_ERROR_OTHER, NULL, "%s is damaged: a list of row %llu is none", file->path,
			       (unsigned long long)row);
}

int reader_slots(struct croom_journal_file *file, const char *handlers, unsigned *slots)
{
	int rc = list_read(&file->handlers, handlers);

	*slots = rc ? 0 : file->handlers.lines;
	for (unsigned i = 0; i < *slots; i++)
		file->slot[i] = (struct croom_journal_slot){ file->handlers.field[i][0], file->handlers.field[i][1],
							     *file->handlers.field[i][2] != 0 };
	return rc;
}

struct each {
	struct croom_journal_file *file;
	int (*visit)(void *env, const struct croom_journal_row *row);
	void *env;
	struct croom_error *err;
};

static int show_row(void *env, const struct row *row)
{
	struct each *each = env;
	struct croom_journal_file *file = each->file;
	struct croom_journal_row shown = { .row = row->row, .time_ns = row->time_ns, .kind = row->kind, .word = kind_word(row->kind),
		.cause = row->cause, .cause_word = cause_word(row->cause), .revision = row->revision, .trusted = row->trusted,
		.uid = row->uid, .pid = row->pid, .command = row->command, .text = row->text, .change = file->change,
		.slot = file->slot };
	int rc = list_read(&file->changes, row->changes);

	rc = rc ? rc : reader_slots(file, row->handlers, &shown.slots);
	if (rc)
		return bad_list(file, rc, row->row, each->err);
	for (unsigned i = 0; i < file->changes.lines; i++)
		file->change[i] = (struct croom_history_change){ file->changes.field[i][0], file->changes.field[i][1],
								 file->changes.field[i][2] };
	shown.changes = file->changes.lines;
	memcpy(shown.hash, row->hash, HASH);
	return each->visit(each->env, &shown);
}

int croom_journal_file_each(struct croom_journal_file *file, int64_t since_ns,
			    int (*visit)(void *env, const struct croom_journal_row *row), void *env, struct croom_error *err)
{
	struct each each = { file, visit, env, err };
	const struct walk walk = { .since_ns = since_ns, .visit = show_row, .env = &each };

	if (err)
		*err = (struct croom_error){ 0 };
	return file_walk(file->db, file->path, &walk, err);
}

static int keep_head(void *env, const struct row *row)
{
	struct croom_journal_head *head = env;

	head->row = row->row;
	memcpy(head->hash, row->hash, HASH);
	return 0;
}

int croom_journal_file_head(struct croom_journal_file *file, struct croom_journal_head *head, struct croom_error *err)
{
	struct walk walk = { .since_ns = INT64_MIN, .visit = keep_head, .env = head };
	sqlite3_stmt *select;
	int rc = sqlite3_prepare_v2(file->db, "SELECT max(row) FROM journal", -1, &select, NULL);

	*head = (struct croom_journal_head){ 0 };
	if (err)
		*err = (struct croom_error){ 0 };
	if (rc == SQLITE_OK && (rc = sqlite3_step(select)) == SQLITE_ROW) {
		sqlite3_int64 last = sqlite3_column_int64(select, 0);

		walk.after = last > 0 ? (uint64_t)last - 1 : 0;
		rc = SQLITE_OK;
	}
	sqlite3_finalize(select);
	return rc ? file_error(file->db, rc, file->path, err) : file_walk(file->db, file->path, &walk, err);
}
