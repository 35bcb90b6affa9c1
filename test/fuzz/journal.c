/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A journal that somebody else has written: all that <croom/journal-file.h> can be asked of it, then a program that keeps its
 * own journal in that file, restores from it, changes its room and ends.
 *
 * Input: "SQLite format 3" and what follows is the file. Anything else is rows, a line each, that are put into a good one, the
 * chain's hashes included: KIND CAUSE REVISION TRUSTED SECONDS PID, one character each, then COMMAND TEXT CHANGES HANDLERS
 * with tabs between them, in which \x01 is a tab and \x02 the end of a line of a list; an empty line leaves a row out.
 *
 * Beside the sanitizers: whatever is wrong is told in words; the program's swaps are made, or refused for a handler in
 * quarantine; rows that fit together are found to, before and after a program has written to them.
 */
#include "../../journal/journal-impl.h"
#include "fuzz.h"
#include <croom/trial.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { MOMENTS = 6, SECOND = 1000000000, NOW_S = 1700000000 };

typedef struct note {
	int value;
} note;

CROOM_RECORD(note, 1);
CROOM_SLOT(printer, 0, note);
CROOM_SLOT(filter, 1, note);

static int plain_call(void *ctx, note *n)
{
	(void)ctx;
	return n->value;
}
CROOM_RUN(plain, plain_call, void, note);

/* Memory, where there is such a folder. */
static char folder[32] = "/dev/shm/croom-fuzz-XXXXXX", path[64];
static unsigned char *empty;             /* a journal without a row */
static size_t empty_size;
static bool playing;
static int64_t clock_s;

/* In place of the C library's: an input does the same at any time. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
	if (!playing || clock != CLOCK_REALTIME)
		return (int)syscall(SYS_clock_gettime, clock, now);
	*now = (struct timespec){ .tv_sec = ++clock_s };
	return 0;
}

/* In place of the C library's for SQLite, too: there is no loss of power here, and waiting for a disk is all that it would do. */
__attribute__((visibility("default"))) int fsync(int fd)
{
	(void)fd;
	return 0;
}

__attribute__((visibility("default"))) int fdatasync(int fd)
{
	(void)fd;
	return 0;
}

static int number_open(void **ctx, const char *config, void *env, struct croom_error *err)
{
	(void)env;
	*ctx = NULL;
	return *config >= '0' && *config <= '9' ? 0 : croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL, "takes a number");
}

static struct croom_room *room_open(void)
{
	static const struct croom_slot slots[] = {
		{ .name = "printer", .help = "one", .type = printer_slot_type }, { .name = "filter", .help = "other", .type = filter_slot_type },
	};
	static const struct croom_class number = { .name = "number", .help = "takes a number", .syntax = "N", CROOM_RUNS(plain),
		.open = number_open };
	struct croom_room *room;

	MUST(croom_room_open(&room, "rig", slots, 2) == 0);
	MUST(croom_room_class_add(room, "printer", &number, NULL) == 0 && croom_room_class_add(room, "filter", &number, NULL) == 0);
	return room;
}

static void empty_folder(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char name[400];

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (*entry->d_name != '.' || strlen(entry->d_name) > 2) {
			snprintf(name, sizeof(name), "%s/%s", folder, entry->d_name);
			unlink(name);
		}
	closedir(dir);
}

static void clean_up(void)
{
	empty_folder();
	rmdir(folder);
}

static void put_file(const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	MUST(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	close(fd);
}

static sqlite3 *database(void)
{
	sqlite3 *db;

	MUST(sqlite3_open(path, &db) == SQLITE_OK);
	MUST(sqlite3_exec(db, "PRAGMA synchronous=OFF", NULL, NULL, NULL) == SQLITE_OK);
	return db;
}

/* As the program makes one, then without its rows, and in one small file. */
static void make_empty(void)
{
	struct croom_room *room = room_open();
	struct croom_journal *journal;
	struct stat is;
	sqlite3 *db;
	int fd;

	MUST(croom_journal_open(&journal, room, folder, NULL, NULL) == 0);
	croom_journal_close(journal);
	croom_room_close(room);
	db = database();
	MUST(sqlite3_exec(db, "DELETE FROM journal; PRAGMA journal_mode=DELETE; PRAGMA page_size=1024; VACUUM", NULL, NULL, NULL) == SQLITE_OK);
	sqlite3_close(db);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	MUST(fd >= 0 && fstat(fd, &is) == 0);
	empty_size = (size_t)is.st_size;
	empty = malloc(empty_size);
	MUST(read(fd, empty, empty_size) == is.st_size);
	close(fd);
	empty_folder();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	if (!mkdtemp(folder)) {
		strcpy(folder, "/tmp/croom-fuzz-XXXXXX");
		MUST(mkdtemp(folder));
	}
	atexit(clean_up);
	snprintf(path, sizeof(path), "%s/rig.journal", folder);
	make_empty();
	return 0;
}

/* What stands for a tab and the end of a line within a field. */
static const char *field(char **line)
{
	char *text = strsep(line, "\t");

	for (char *at = text; at && *at; at++)
		*at = *at == 1 ? '\t' : *at == 2 ? '\n' : *at;
	return text ? text : "";
}

/* Good rows of the chain; whether they should be found without fault. */
static bool put_rows(char *text)
{
	static const char insert[] = "INSERT INTO journal(" ROW_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)";
	unsigned char before[HASH] = { 0 };
	bool whole = true, gap = false;
	sqlite3_stmt *statement;
	uint64_t number = 0;
	sqlite3 *db;

	put_file(empty, empty_size);
	db = database();
	MUST(sqlite3_prepare_v2(db, insert, -1, &statement, NULL) == SQLITE_OK);
	MUST(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK);
	for (char *line; (line = strsep(&text, "\n"));) {
		size_t length = strnlen(line, 6);
		struct row row = { .row = ++number };
		const char head[6] = { 0 };
		const char *at = length == 6 ? line : head;

		gap |= !length;
		whole &= !gap || !length;
		if (!length)
			continue;
		row.kind = (enum croom_journal_kind)((unsigned char)at[0] % (CROOM_JOURNAL_KEPT + 1));
		row.cause = (enum croom_cause)((unsigned char)at[1] % (CROOM_BY_PROFILE + 1));
		row.revision = (unsigned char)at[2];
		row.trusted = at[3] & 1;
		row.time_ns = (NOW_S + (int64_t)at[4]) * SECOND;
		row.pid = (unsigned char)at[5];
		line += length;
		row.command = field(&line);
		row.text = field(&line);
		row.changes = field(&line);
		row.handlers = field(&line);
		row_hash(&row, before, row.hash);
		memcpy(before, row.hash, HASH);
		/* It may say that rows are gone which are there. */
		whole &= row.kind != CROOM_JOURNAL_CUT;
		MUST(row_bind(statement, &row) == SQLITE_OK && sqlite3_step(statement) == SQLITE_DONE);
		sqlite3_reset(statement);
	}
	sqlite3_finalize(statement);
	MUST(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
	sqlite3_close(db);
	return whole;
}

static int see_row(void *env, const struct croom_journal_row *row)
{
	uint64_t *last = env;

	MUST(row->row > *last && row->word && *row->cause_word && row->changes <= CROOM_SLOTS_MAX && row->slots <= CROOM_SLOTS_MAX);
	*last = row->row;
	for (unsigned i = 0; i < row->changes; i++)
		MUST(strlen(row->change[i].slot) + strlen(row->change[i].from) + strlen(row->change[i].to) < SIZE_MAX / 2);
	for (unsigned i = 0; i < row->slots; i++)
		MUST(strlen(row->slot[i].slot) + strlen(row->slot[i].handler) < SIZE_MAX / 2);
	return strlen(row->command) + strlen(row->text) == SIZE_MAX;
}

static int see_moment(void *env, const struct croom_journal_moment *moment)
{
	(void)env;
	MUST(moment->slots <= CROOM_SLOTS_MAX && moment->cause_word && moment->command && moment->text);
	for (unsigned i = 0; i < moment->slots; i++)
		MUST(strlen(moment->slot[i].slot) + strlen(moment->slot[i].handler) < SIZE_MAX / 2);
	return 0;
}

static void see_finding(void *env, const char *what)
{
	(void)env;
	MUST(*what);
}

static void check(int rc, const struct croom_error *err)
{
	MUST(rc <= 0 && (rc == 0) == (err->text[0] == 0));
}

/* All that can be asked of it. Returns the number of findings; UINT64_MAX: it is none that can be looked through. */
static uint64_t ask(bool *head_there)
{
	struct croom_journal_verdict verdict = { 0 };
	struct croom_journal_head head = { 0 };
	struct croom_journal_file *file;
	struct croom_error err = { 0 };
	uint64_t last = 0, findings;
	int rc = croom_journal_file_open(&file, path, &err);

	check(rc, &err);
	if (rc)
		return UINT64_MAX;
	check(croom_journal_file_each(file, INT64_MIN, see_row, &last, &err), &err);
	for (int i = 0; i < MOMENTS; i++) {
		static const int64_t when[MOMENTS] = { INT64_MIN, 0, (int64_t)(NOW_S - 1) * SECOND, (int64_t)NOW_S * SECOND,
						      (int64_t)(NOW_S + 50) * SECOND, (int64_t)(NOW_S + 200) * SECOND };

		rc = croom_journal_file_at(file, when[i], see_moment, NULL, &err);
		check(rc, &err);
	}
	MUST(croom_journal_file_at(file, INT64_MAX, see_moment, NULL, &err) == -EINVAL);
	rc = croom_journal_file_head(file, &head, &err);
	check(rc, &err);
	*head_there = rc == 0 && head.row;
	rc = croom_journal_file_verify(file, *head_there ? &head : NULL, see_finding, NULL, &verdict, &err);
	MUST(rc <= 0);
	findings = rc ? UINT64_MAX : verdict.findings;
	croom_journal_file_close(file);
	return findings;
}

static void swap(struct croom_room *room, const char *slot, const char *handler)
{
	const struct croom_change change = { slot, handler };
	const struct croom_swap_options now = { .wait_ms = 0 };
	struct croom_error err;
	int rc = croom_room_swap(room, &change, 1, &now, NULL, &err);

	MUST(rc == 0 || (rc == -EACCES && err.kind == CROOM_ERROR_QUARANTINED));
}

/* A program that keeps its journal there; whether it could. */
static bool keep(void)
{
	static const struct croom_journal_choice choice[] = { { "printer", "number:1", false }, { "filter", "number:2", true } };
	struct croom_journal_restored restored;
	struct croom_room *room = room_open();
	struct croom_journal_state state;
	struct croom_journal *journal;
	struct croom_error err = { 0 };
	int rc = croom_journal_open(&journal, room, folder, &(struct croom_journal_options){ .rows_max = 100 }, &err);

	check(rc, &err);
	MUST(journal);
	rc = croom_journal_restore(journal, choice, 2, NULL, &restored, &err);
	check(rc, &err);
	MUST(rc == 0 || err.kind == CROOM_ERROR_QUARANTINED);
	MUST(memchr(restored.text, 0, sizeof(restored.text)));
	swap(room, "printer", "number:3");
	swap(room, "filter", "number:4");
	croom_journal_tick(journal);
	croom_journal_look(journal, &state);
	MUST(state.kept == (state.why[0] == 0) && (state.kept || state.lost));
	croom_journal_close(journal);
	croom_room_close(room);
	return state.kept;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char magic[] = "SQLite format 3";
	bool file = size >= sizeof(magic) - 1 && memcmp(data, magic, sizeof(magic) - 1) == 0, whole = false, head_there;
	char *text = malloc(size + 1);
	uint64_t findings;

	MUST(text);
	memcpy(text, data, size);
	text[size] = 0;
	playing = true;
	clock_s = NOW_S + 1000;
	if (file)
		put_file(data, size);
	else
		whole = put_rows(text);
	findings = ask(&head_there);
	MUST(!whole || findings == 0);
	if (keep() && whole)
		MUST(ask(&head_there) == 0 && head_there);
	playing = false;
	empty_folder();
	free(text);
	return 0;
}
