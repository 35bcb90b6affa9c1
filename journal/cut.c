/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The front of the chain: when there is too much, the oldest tenth goes in one transaction with a row (cut) that says
 * up to which row, and with which hash the chain now begins. Where it can be, the first row that stays is one that
 * tells a whole state.
 */
#include "journal-impl.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define AGAIN_NS INT64_C(60000000000)

struct plan {
	uint64_t rows, bytes;      /* to get rid of, at least */
	struct point {
		uint64_t upto, rows, bytes;
	} here, state;             /* what goes when it is cut behind `upto`; so that a row that tells a state is first */
};

static int count(void *env, const struct row *row)
{
	struct plan *plan = env;

	if (row->kind == CROOM_JOURNAL_START || row->kind == CROOM_JOURNAL_INTENT || row->kind == CROOM_JOURNAL_LOST)
		plan->state = plan->here;
	if (plan->here.rows >= plan->rows && plan->here.bytes >= plan->bytes)
		return 1;
	plan->here.upto = row->row;
	plan->here.rows++;
	plan->here.bytes += row_bytes(row);
	return 0;
}

/* Where to cut; upto 0: it cannot be told. */
static struct point where(struct croom_journal *journal)
{
	const struct chain *chain = &journal->chain;
	uint64_t rows = journal->rows_max / 10 * 9, bytes = journal->bytes_max / 10 * 9;
	struct plan plan = { .rows = chain->rows > rows ? chain->rows - rows : 0, .bytes = chain->bytes > bytes ? chain->bytes - bytes : 0 };
	const struct walk walk = { .since_ns = INT64_MIN, .visit = count, .env = &plan };

	if (file_walk(journal->db, journal->path, &walk, NULL) < 0)
		return (struct point){ 0, 0, 0 };
	/* Unless that leaves most of it. */
	return plan.state.rows > plan.here.rows / 2 ? plan.state : plan.here;
}

static int get_row(struct croom_journal *journal, const char *sql, uint64_t upto, sqlite3_stmt **statement)
{
	int rc = sqlite3_prepare_v2(journal->db, sql, -1, statement, NULL);

	rc = rc ? rc : sqlite3_bind_int64(*statement, 1, (sqlite3_int64)upto);
	return rc ? rc : sqlite3_step(*statement);
}

static int hash_at(struct croom_journal *journal, uint64_t row, char *hex)
{
	sqlite3_stmt *select;
	int rc = get_row(journal, "SELECT hash FROM journal WHERE row = ?1", row, &select);

	if (rc == SQLITE_ROW && sqlite3_column_bytes(select, 0) == HASH) {
		const unsigned char *hash = sqlite3_column_blob(select, 0);

		for (int i = 0; i < HASH; i++)
			sprintf(hex + 2 * i, "%02x", hash[i]);
		rc = SQLITE_OK;
	} else {
		rc = SQLITE_CORRUPT;
	}
	sqlite3_finalize(select);
	return rc;
}

static int remove_rows(struct croom_journal *journal, const struct point *point)
{
	struct chain *chain = &journal->chain;
	sqlite3_stmt *statement;
	int rc = get_row(journal, "DELETE FROM journal WHERE row <= ?1", point->upto, &statement);

	sqlite3_finalize(statement);
	chain->rows -= point->rows < chain->rows ? point->rows : chain->rows;
	chain->bytes -= point->bytes < chain->bytes ? point->bytes : chain->bytes;
	chain->first = point->upto + 1;
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int write_cut(struct croom_journal *journal, uint64_t from, uint64_t upto, const char *hex)
{
	struct row row = row_of_state(journal, CROOM_JOURNAL_CUT);
	char text[160], number[24];

	snprintf(text, sizeof(text), "rows %" PRIu64 " to %" PRIu64 " were removed: there is room for %" PRIu64 " rows and %.1f MB",
		 from, upto, journal->rows_max, (double)journal->bytes_max / 1e6);
	snprintf(number, sizeof(number), "%" PRIu64, upto);
	row.text = text;
	if (!*row.changes)
		text_empty(&journal->changes);
	text_field(&journal->changes, "before", '\t');
	text_field(&journal->changes, number, '\t');
	text_field(&journal->changes, hex, '\n');
	row.changes = text_of(&journal->changes);
	return journal->changes.failed ? SQLITE_NOMEM : row_append(journal, &row);
}

void journal_cut(struct croom_journal *journal)
{
	uint64_t from = journal->chain.first;
	struct point point;
	char hex[2 * HASH + 1];
	int rc;

	if ((journal->chain.rows <= journal->rows_max && journal->chain.bytes <= journal->bytes_max) ||
	    journal_now_ns(CLOCK_MONOTONIC) < journal->cut_again_ns)
		return;
	point = where(journal);
	rc = point.upto ? rows_begin(journal) : SQLITE_ERROR;
	if (rc == SQLITE_OK) {
		rc = hash_at(journal, point.upto, hex);
		if (rc == SQLITE_OK)
			rc = remove_rows(journal, &point);
		if (rc == SQLITE_OK)
			rc = write_cut(journal, from, point.upto, hex);
		if (rc == SQLITE_OK)
			rc = rows_standing(journal);
		rc = rows_end(journal, rc);
	}
	/* It is no loss; but it must not be tried with every change, nor where what stands alone is too much. */
	if (rc || journal->chain.rows > journal->rows_max || journal->chain.bytes > journal->bytes_max)
		journal->cut_again_ns = journal_now_ns(CLOCK_MONOTONIC) + AGAIN_NS;
}
