/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether the chain holds. Each row's hash is made again from the row and the hash that the row before has in the
 * file, so one row that was altered is one finding, and does not hide another one behind it.
 *
 * What it cannot see: rows that were removed from the end, and a chain that was made anew from some row on to the
 * end, by somebody who can write the file. For both there is a head that was noted elsewhere.
 */
#include "reader-impl.h"
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct verify {
	const struct croom_journal_head *head;
	bool head_there;           /* the noted row is, or its hash is */
	void (*found)(void *env, const char *what);
	void *env;
	struct croom_journal_verdict *verdict;
	unsigned char before[HASH];
	bool before_known;
	uint64_t last;
	int64_t last_ns;
	uint64_t cut_upto;         /* by the last row that tells of one; 0: none does */
	unsigned char cut_hash[HASH];
};

static void found(struct verify *verify, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void found(struct verify *verify, const char *format, ...)
{
	char text[600];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	verify->verdict->findings++;
	if (verify->found)
		verify->found(verify->env, text);
}

static bool read_hash(const char *hex, unsigned char *hash)
{
	for (int i = 0; i < HASH; i++) {
		unsigned byte;

		if (strspn(hex, "0123456789abcdef") < 2 || sscanf(hex, "%2x", &byte) != 1)
			return false;
		hash[i] = (unsigned char)byte;
		hex += 2;
	}
	return *hex == 0;
}

/* Where the chain begins after a cut: said by the row itself, which the chain guards. */
static int look_for_cut(void *env, const struct row *row)
{
	struct verify *verify = env;
	struct list list = { 0 };
	int at;

	if (row->kind != CROOM_JOURNAL_CUT)
		return 0;
	if (list_read(&list, row->changes) == 0 && (at = list_find(&list, "before")) >= 0 &&
	    read_hash(list.field[at][2], verify->cut_hash))
		verify->cut_upto = strtoull(list.field[at][1], NULL, 10);
	list_free(&list);
	return 0;
}

static int look_at_nothing(void *env, const struct row *row, const char *what)
{
	(void)env;
	(void)row;
	(void)what;
	return 0;
}

/* The first row that is there. */
static void begin_chain(struct verify *verify, uint64_t row)
{
	verify->verdict->first = row;
	verify->last = row - 1;
	verify->before_known = true;
	if (row == 1 && !verify->cut_upto)
		return;
	verify->verdict->cut = verify->cut_upto;
	memcpy(verify->before, verify->cut_hash, HASH);
	if (verify->cut_upto == row - 1)
		return;
	verify->before_known = false;
	if (!verify->cut_upto)
		found(verify, "rows 1 to %" PRIu64 " are missing: no row says that they were cut away", row - 1);
	else if (verify->cut_upto < row - 1)
		found(verify, "rows %" PRIu64 " to %" PRIu64 " are missing: they were cut away up to %" PRIu64 " only", verify->cut_upto + 1,
		      row - 1, verify->cut_upto);
	else
		found(verify, "rows %" PRIu64 " to %" PRIu64 " are there, and yet a row says that they were cut away", row, verify->cut_upto);
}

/* What is behind this row; also where it is no row that can be read. */
static void go_on(struct verify *verify, const struct row *row)
{
	const struct croom_journal_head *head = verify->head;

	if (head && memcmp(head->hash, row->hash, HASH) == 0 && (!head->row || head->row == row->row))
		verify->head_there = true;
	memcpy(verify->before, row->hash, HASH);
	verify->before_known = true;
	verify->last = row->row;
	verify->verdict->rows++;
	verify->verdict->last = row->row;
}

static void check_place(struct verify *verify, uint64_t row)
{
	if (!verify->verdict->rows)
		begin_chain(verify, row);
	if (row == verify->last + 1)
		return;
	if (row == verify->last + 2)
		found(verify, "row %" PRIu64 " is missing", verify->last + 1);
	else
		found(verify, "rows %" PRIu64 " to %" PRIu64 " are missing", verify->last + 1, row - 1);
	verify->before_known = false;
}

static int check_row(void *env, const struct row *row)
{
	struct verify *verify = env;
	unsigned char hash[HASH];

	check_place(verify, row->row);
	if (verify->before_known) {
		row_hash(row, verify->before, hash);
		if (memcmp(hash, row->hash, HASH))
			found(verify, "row %" PRIu64 " does not fit: it was altered, or the row before it", row->row);
	}
	if (verify->verdict->rows && row->time_ns < verify->last_ns)
		verify->verdict->clock_back++;
	verify->last_ns = row->time_ns;
	go_on(verify, row);
	return 0;
}

static int check_bad(void *env, const struct row *row, const char *what)
{
	struct verify *verify = env;

	check_place(verify, row->row);
	found(verify, "row %" PRIu64 " was altered: its '%s' is not what it can be", row->row, what);
	go_on(verify, row);
	return 0;
}

/* Pages that do not fit together, before anything is read from them. */
static int check_pages(const struct croom_journal_file *file, struct verify *verify, struct croom_error *err)
{
	sqlite3_stmt *check;
	int rc = sqlite3_prepare_v2(file->db, "PRAGMA integrity_check(20)", -1, &check, NULL);

	while (rc == SQLITE_OK && (rc = sqlite3_step(check)) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(check, 0);

		if (text && strcmp(text, "ok"))
			found(verify, "the file is damaged: %s", text);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(check);
	return rc == SQLITE_DONE ? 0 : file_error(file->db, rc, file->path, err);
}

static void check_head(struct verify *verify)
{
	const struct croom_journal_head *head = verify->head;

	if (!head || verify->head_there)
		return;
	if (head->row && head->row <= verify->cut_upto)
		found(verify, "the noted row %" PRIu64 " was cut away since by the program; note a newer head", head->row);
	else if (head->row > verify->verdict->last)
		found(verify, "the noted row %" PRIu64 " is not there any more: rows were removed from the end", head->row);
	else if (head->row)
		found(verify, "row %" PRIu64 " is not the noted one: the journal was made anew", head->row);
	else
		found(verify, "there is no row with the noted hash: rows were removed from the end, the journal was made anew, or the "
		      "row was cut away");
}

int croom_journal_file_verify(struct croom_journal_file *file, const struct croom_journal_head *head,
			      void (*tell)(void *env, const char *what), void *env, struct croom_journal_verdict *verdict,
			      struct croom_error *err)
{
	struct verify verify = { .head = head, .found = tell, .env = env, .verdict = verdict };
	const struct walk cuts = { .since_ns = INT64_MIN, .visit = look_for_cut, .bad = look_at_nothing, .env = &verify };
	const struct walk rows = { .since_ns = INT64_MIN, .visit = check_row, .bad = check_bad, .env = &verify };
	struct croom_error own = { 0 };
	int rc;

	*verdict = (struct croom_journal_verdict){ 0 };
	err = err ? err : &own;
	*err = (struct croom_error){ 0 };
	/* One state of it, also where it grows meanwhile. */
	sqlite3_exec(file->db, "BEGIN", NULL, NULL, NULL);
	rc = check_pages(file, &verify, err);
	rc = rc ? rc : file_walk(file->db, file->path, &cuts, err);
	rc = rc ? rc : file_walk(file->db, file->path, &rows, err);
	sqlite3_exec(file->db, "COMMIT", NULL, NULL, NULL);
	if (rc == -EBADMSG)
		found(&verify, "%s", err->text);
	else if (rc)
		return rc;
	check_head(&verify);
	return 0;
}
