/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A row: its words, its hash, to and from SQLite.
 *
 * The hash is SHA-256 over the hash of the row before (32 zero bytes before row 1), the words "croom journal row 1",
 * and then each column in the order of the table but for the hash: a number as 8 bytes, the highest first; a text as
 * its length, as such a number, and its bytes.
 */
#include "journal-impl.h"
#include <limits.h>
#include <sodium/crypto_hash_sha256.h>
#include <string.h>

static const char *const kinds[] = { "start", "end", "intent", "changed", "refused", "confirmed", "frozen", "thawed",
				     "quarantined", "pardoned", "note", "observed", "lost", "cut", "kept" };
static const char *const causes[] = { "swap", "rollback", "breach", "end_of_trial", "unconfirmed", "unobserved", "profile" };
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]), CAUSES = sizeof(causes) / sizeof(causes[0]) };
enum { ROW_OVERHEAD = 120 };       /* bytes of a row that are not text, about */

_Static_assert(KINDS == CROOM_JOURNAL_KEPT + 1, "a word for each kind");
_Static_assert(CAUSES == CROOM_BY_PROFILE + 1, "a word for each cause");

const char *kind_word(enum croom_journal_kind kind)
{
	return kinds[kind];
}

const char *cause_word(enum croom_cause cause)
{
	return (unsigned)cause < CAUSES ? causes[cause] : "";
}

static void hash_number(crypto_hash_sha256_state *state, uint64_t number)
{
	unsigned char bytes[8];

	for (int i = 7; i >= 0; i--, number >>= 8)
		bytes[i] = (unsigned char)number;
	crypto_hash_sha256_update(state, bytes, sizeof(bytes));
}

static void hash_text(crypto_hash_sha256_state *state, const char *text)
{
	size_t length = strlen(text);

	hash_number(state, length);
	crypto_hash_sha256_update(state, (const unsigned char *)text, length);
}

void row_hash(const struct row *row, const unsigned char *before, unsigned char *hash)
{
	static const char words[] = "croom journal row 1";
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, before, HASH);
	crypto_hash_sha256_update(&state, (const unsigned char *)words, sizeof(words) - 1);
	hash_number(&state, row->row);
	hash_number(&state, (uint64_t)row->time_ns);
	hash_text(&state, kind_word(row->kind));
	hash_text(&state, cause_word(row->cause));
	hash_number(&state, row->revision);
	hash_number(&state, row->trusted);
	hash_number(&state, row->uid);
	hash_number(&state, (uint64_t)row->pid);
	hash_text(&state, row->command);
	hash_text(&state, row->text);
	hash_text(&state, row->changes);
	hash_text(&state, row->handlers);
	crypto_hash_sha256_final(&state, hash);
}

uint64_t row_bytes(const struct row *row)
{
	return ROW_OVERHEAD + strlen(row->command) + strlen(row->text) + strlen(row->changes) + strlen(row->handlers);
}

static int bind_text(sqlite3_stmt *insert, int column, const char *text)
{
	return sqlite3_bind_text(insert, column, text, -1, SQLITE_STATIC);
}

int row_bind(sqlite3_stmt *insert, const struct row *row)
{
	int rc = sqlite3_bind_int64(insert, 1, (sqlite3_int64)row->row);

	rc = rc ? rc : sqlite3_bind_int64(insert, 2, row->time_ns);
	rc = rc ? rc : bind_text(insert, 3, kind_word(row->kind));
	rc = rc ? rc : bind_text(insert, 4, cause_word(row->cause));
	rc = rc ? rc : sqlite3_bind_int64(insert, 5, (sqlite3_int64)row->revision);
	rc = rc ? rc : sqlite3_bind_int64(insert, 6, row->trusted);
	rc = rc ? rc : sqlite3_bind_int64(insert, 7, row->uid);
	rc = rc ? rc : sqlite3_bind_int64(insert, 8, row->pid);
	rc = rc ? rc : bind_text(insert, 9, row->command);
	rc = rc ? rc : bind_text(insert, 10, row->text);
	rc = rc ? rc : bind_text(insert, 11, row->changes);
	rc = rc ? rc : bind_text(insert, 12, row->handlers);
	return rc ? rc : sqlite3_bind_blob(insert, 13, row->hash, HASH, SQLITE_STATIC);
}

static bool read_number(sqlite3_stmt *select, int column, int64_t low, int64_t high, int64_t *number)
{
	*number = sqlite3_column_int64(select, column);
	return sqlite3_column_type(select, column) == SQLITE_INTEGER && *number >= low && *number <= high;
}

/* A text without a 0 in it. */
static bool read_text(sqlite3_stmt *select, int column, const char **text)
{
	bool good = sqlite3_column_type(select, column) == SQLITE_TEXT;

	*text = good ? (const char *)sqlite3_column_text(select, column) : NULL;
	if (!*text) {
		*text = "";
		return false;
	}
	return strlen(*text) == (size_t)sqlite3_column_bytes(select, column);
}

static bool read_word(sqlite3_stmt *select, int column, const char *const *words, int count, int *number)
{
	const char *text;

	if (!read_text(select, column, &text))
		return false;
	for (*number = 0; *number < count; ++*number)
		if (strcmp(text, words[*number]) == 0)
			return true;
	*number = 0;
	return false;
}

const char *row_read(sqlite3_stmt *select, struct row *row)
{
	int64_t number, revision = 0, trusted = 0, uid = 0, pid = 0;
	int kind = 0, cause = 0;
	const char *bad = NULL;
	const void *hash;

	*row = (struct row){ .command = "", .text = "", .changes = "", .handlers = "" };
	if (read_number(select, 0, 1, INT64_MAX, &number))
		row->row = (uint64_t)number;
	else
		bad = "row";
	bad = bad ? bad : read_number(select, 1, INT64_MIN, INT64_MAX, &row->time_ns) ? NULL : "time_ns";
	bad = bad ? bad : read_word(select, 2, kinds, KINDS, &kind) ? NULL : "kind";
	bad = bad ? bad : read_word(select, 3, causes, CAUSES, &cause) ? NULL : "cause";
	bad = bad ? bad : read_number(select, 4, 0, INT64_MAX, &revision) ? NULL : "revision";
	bad = bad ? bad : read_number(select, 5, 0, 1, &trusted) ? NULL : "trusted";
	bad = bad ? bad : read_number(select, 6, 0, UINT32_MAX, &uid) ? NULL : "uid";
	bad = bad ? bad : read_number(select, 7, 0, INT_MAX, &pid) ? NULL : "pid";
	bad = bad ? bad : read_text(select, 8, &row->command) ? NULL : "command";
	bad = bad ? bad : read_text(select, 9, &row->text) ? NULL : "text";
	bad = bad ? bad : read_text(select, 10, &row->changes) ? NULL : "changes";
	bad = bad ? bad : read_text(select, 11, &row->handlers) ? NULL : "handlers";
	hash = sqlite3_column_type(select, 12) == SQLITE_BLOB ? sqlite3_column_blob(select, 12) : NULL;
	if (hash && sqlite3_column_bytes(select, 12) == HASH)
		memcpy(row->hash, hash, HASH);
	else
		bad = bad ? bad : "hash";
	row->kind = (enum croom_journal_kind)kind;
	row->cause = (enum croom_cause)cause;
	row->revision = (uint64_t)revision;
	row->trusted = trusted != 0;
	row->uid = (uid_t)uid;
	row->pid = (pid_t)pid;
	return bad;
}
