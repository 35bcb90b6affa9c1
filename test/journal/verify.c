// SPDX-License-Identifier: BSD-2-Clause
/* What was done to a journal shows; and a file that is none, or damaged, is an error with a sentence. */
#include "rig.h"

static struct croom_journal_verdict verdict;

/* 14 rows: start, 4 changes of three rows each, end. */
static void make(void)
{
	new_directory();
	run_begin();
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(swap_to("printer", i % 2 ? "number:1" : "number:2"), 0);
		croom_journal_tick(journal);
	}
	run_end();
	CHECK_EQ(verify_with(NULL, &verdict), 0);
	CHECK_EQ(verdict.rows, 14);
}

/* After this was done by somebody, there are so many findings and the first is this. */
static void shows(const char *change, int count, const char *what)
{
	int found;

	make();
	sql(change);
	found = verify_with(NULL, &verdict);
	CHECK_EQ(found, count);
	CHECK(strstr(findings, what));
	if (found != count || !strstr(findings, what))
		printf("# %s: %s\n", change, findings);
	remove_directory();
}

static void an_altered_row_shows(void)
{
	static const char *const columns[] = { "time_ns = time_ns + 1", "kind = 'note'", "cause = 'rollback'", "revision = 99", "trusted = 1 - trusted",
		"uid = uid + 1", "pid = pid + 1", "command = 'x'", "text = 'x'", "changes = ''", "handlers = ''", "hash = zeroblob(32)" };
	char change[200];

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		bool hash = strncmp(columns[i], "hash", 4) == 0;

		snprintf(change, sizeof(change), "UPDATE journal SET %s WHERE row = 5", columns[i]);
		/* Its hash is in two: its own, and the next one's. */
		shows(change, hash ? 2 : 1, "row 5 does not fit: it was altered, or the row before it;");
	}
	shows("UPDATE journal SET text = 'x' WHERE row IN (1, 5, 14)", 3, "row 1 does not fit");
}

static void a_text_is_not_moved_over_a_border(void)
{
	shows("UPDATE journal SET command = 'ab', text = 'c' WHERE row = 5", 1, "row 5 does not fit");
	shows("UPDATE journal SET changes = changes || handlers, handlers = '' WHERE row = 2", 1, "row 2 does not fit");
}

static void a_column_that_is_of_another_kind_shows(void)
{
	shows("PRAGMA writable_schema=1; UPDATE journal SET kind = 'nothing' WHERE row = 5", 1, "row 5 was altered: its 'kind' is not what it can be");
	shows("UPDATE journal SET hash = x'00' WHERE row = 5", 2, "row 5 was altered: its 'hash'");
	shows("UPDATE journal SET uid = -1 WHERE row = 5", 1, "row 5 was altered: its 'uid'");
	shows("UPDATE journal SET text = 'a' || char(0) || 'b' WHERE row = 5", 1, "row 5 was altered: its 'text'");
}

static void a_removed_row_shows(void)
{
	shows("DELETE FROM journal WHERE row = 5", 1, "row 5 is missing");
	shows("DELETE FROM journal WHERE row BETWEEN 5 AND 7", 1, "rows 5 to 7 are missing");
	shows("DELETE FROM journal WHERE row < 4", 1, "rows 1 to 3 are missing: no row says that they were cut away");
	/* Also where the gap is closed. */
	shows("DELETE FROM journal WHERE row = 5; UPDATE journal SET row = row - 1 WHERE row > 5", 9, "row 5 does not fit");
}

static void rows_that_were_put_in_or_exchanged_show(void)
{
	shows("UPDATE journal SET row = -row WHERE row > 5; UPDATE journal SET row = 1 - row WHERE row < 0;"
	      "INSERT INTO journal SELECT 6,time_ns,kind,cause,revision,trusted,uid,pid,command,text,changes,handlers,hash FROM journal WHERE row = 5",
	      10, "row 6 does not fit");
	shows("UPDATE journal SET row = -5 WHERE row = 5; UPDATE journal SET row = 5 WHERE row = 6; UPDATE journal SET row = 6 WHERE row = -5", 3,
	      "row 5 does not fit");
	shows("INSERT INTO journal SELECT 40,time_ns,kind,cause,revision,trusted,uid,pid,command,text,changes,handlers,hash FROM journal WHERE row = 5",
	      1, "rows 15 to 39 are missing");
	shows("INSERT INTO journal SELECT 15,time_ns,kind,cause,revision,trusted,uid,pid,command,text,changes,handlers,hash FROM journal WHERE row = 5",
	      1, "row 15 does not fit");
}

/* What nothing in the file can show, a head does that was noted before. */
static void an_end_that_was_cut_off_shows_against_a_noted_head(void)
{
	struct croom_journal_head head, newer, nowhere = { .hash = { 1, 2, 3 } };
	struct croom_journal_file *file;

	make();
	CHECK_EQ(croom_journal_file_open(&file, path, &err), 0);
	CHECK_EQ(croom_journal_file_head(file, &head, &err), 0);
	croom_journal_file_close(file);
	CHECK_EQ(head.row, 14);
	CHECK_EQ(verify_with(&head, &verdict), 0);
	/* It has grown since. */
	run_begin();
	run_end();
	CHECK_EQ(verify_with(&head, &verdict), 0);
	CHECK(verdict.rows > 15);
	newer = head;
	newer.row = 0;
	CHECK_EQ(verify_with(&newer, &verdict), 0);
	sql("DELETE FROM journal WHERE row > 12");
	CHECK_EQ(verify(), 0);
	CHECK_EQ(verify_with(&head, &verdict), 1);
	CHECK(strstr(findings, "the noted row 14 is not there any more: rows were removed from the end"));
	CHECK_EQ(verify_with(&newer, &verdict), 1);
	CHECK(strstr(findings, "no row with the noted hash"));
	CHECK_EQ(verify_with(&nowhere, &verdict), 1);
	/* And made longer again. */
	run_begin();
	run_end();
	CHECK_EQ(verify(), 0);
	CHECK_EQ(verify_with(&head, &verdict), 1);
	CHECK(strstr(findings, "row 14 is not the noted one: the journal was made anew"));
	remove_directory();
}

static void a_noted_head_that_was_cut_away_by_the_program_is_told_apart(void)
{
	const struct croom_journal_options few = { .rows_max = 100 };
	struct croom_journal_head head;
	struct croom_journal_file *file;

	make();
	CHECK_EQ(croom_journal_file_open(&file, path, &err), 0);
	CHECK_EQ(croom_journal_file_head(file, &head, &err), 0);
	croom_journal_file_close(file);
	CHECK_EQ(run_begin_with(&few), 0);
	for (int i = 0; i < 200; i++) {
		croom_room_note(room, NULL, "x");
		croom_journal_tick(journal);
	}
	run_end();
	CHECK_EQ(verify_with(&head, &verdict), 1);
	CHECK(strstr(findings, "the noted row 14 was cut away since by the program"));
	/* More than it says was cut away. */
	sql("DELETE FROM journal WHERE row < (SELECT min(row) + 3 FROM journal)");
	CHECK_EQ(verify_with(NULL, &verdict), 1);
	CHECK(strstr(findings, "are missing: they were cut away up to"));
	remove_directory();
}

static void a_clock_that_was_set_back_is_no_finding(void)
{
	new_directory();
	run_begin();
	CHECK_EQ(swap_to("printer", "number:1"), 0);
	shift_s = -7200;
	CHECK_EQ(swap_to("printer", "number:2"), 0);
	run_end();
	CHECK_EQ(verify_with(NULL, &verdict), 0);
	CHECK_EQ(verdict.clock_back, 1);
	remove_directory();
}

static int open_rc(const char *where)
{
	struct croom_journal_file *file;
	int rc = croom_journal_file_open(&file, where, &err);

	CHECK((rc == 0) == (file != NULL));
	CHECK(rc == 0 || err.text[0]);
	croom_journal_file_close(file);
	return rc;
}

static void what_is_no_journal_is_refused_with_a_sentence(void)
{
	new_directory();
	CHECK_EQ(open_rc(path), -ENOENT);
	CHECK_EQ(open_rc(directory), -EBADMSG);
	CHECK_EQ(open_rc("/dev/null"), -EBADMSG);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	CHECK_EQ(open_rc(path), -EBADMSG);
	CHECK(strstr(err.text, "there is nothing in it"));
	sql("CREATE TABLE x(y)");
	CHECK_EQ(open_rc(path), -EBADMSG);
	CHECK(strstr(err.text, "is an SQLite file, but no journal"));
	/* And nothing is written to it. */
	CHECK_EQ(run_begin_with(NULL), -EBADMSG);
	run_end();
	sql("INSERT INTO x VALUES(1)");
	remove_directory();
	make();
	sql("PRAGMA user_version=2");
	CHECK_EQ(open_rc(path), -EBADMSG);
	CHECK(strstr(err.text, "was written by a newer version"));
	CHECK_EQ(run_begin_with(NULL), -EBADMSG);
	run_end();
	remove_directory();
}

static void nothing_that_a_file_brings_is_run(void)
{
	static const char *const tricks[] = {
		"CREATE TRIGGER t AFTER INSERT ON journal BEGIN DELETE FROM journal; END",
		"CREATE TABLE more(x)", "CREATE VIEW v AS SELECT 1", "CREATE INDEX i ON journal(kind)",
		"ALTER TABLE journal RENAME TO other; CREATE VIEW journal AS SELECT * FROM other",
		"DROP TABLE journal; CREATE TABLE journal(row INTEGER PRIMARY KEY, hash BLOB)",
		"ALTER TABLE journal ADD COLUMN more TEXT",
	};

	for (size_t i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++) {
		make();
		sql(tricks[i]);
		CHECK_EQ(open_rc(path), -EBADMSG);
		CHECK(strstr(err.text, "is no journal: it has other tables"));
		CHECK_EQ(run_begin_with(NULL), -EBADMSG);
		run_end();
		remove_directory();
	}
}

static int count_row(void *env, const struct croom_journal_row *row)
{
	(void)row;
	++*(int *)env;
	return 0;
}

static int count_moment(void *env, const struct croom_journal_moment *moment)
{
	(void)moment;
	++*(int *)env;
	return 0;
}

/* Everything that can be asked of it; each call is right or is an error. */
static void ask_all(void)
{
	struct croom_journal_file *file;
	struct croom_journal_head head;
	int count = 0;

	if (open_rc(path))
		return;
	croom_journal_file_open(&file, path, &err);
	if (!file)
		return;
	CHECK(croom_journal_file_each(file, INT64_MIN, count_row, &count, &err) == 0 || err.text[0]);
	CHECK(croom_journal_file_at(file, wall_ns() - SECOND, count_moment, &count, &err) == 0 || err.text[0]);
	CHECK(croom_journal_file_head(file, &head, &err) == 0 || err.text[0]);
	CHECK(croom_journal_file_verify(file, &head, NULL, NULL, &verdict, &err) == 0 || err.text[0]);
	croom_journal_file_close(file);
}

/* A program on it: it never crashes and never keeps a swap from being made. */
static void write_on(void)
{
	run_begin_with(NULL);
	CHECK_EQ(croom_journal_restore(journal, NULL, 0, NULL, NULL, &err), 0);
	CHECK_EQ(swap_to("filter", "number:3"), 0);
	CHECK(strcmp(sits("filter"), "number:3") == 0);
	croom_journal_tick(journal);
	run_end();
}

static void damaged_pages_are_errors(void)
{
	unsigned seed = 1, damaged = 0;
	unsigned char *whole;
	struct stat is;
	int fd;

	make();
	CHECK_EQ(stat(path, &is), 0);
	whole = malloc((size_t)is.st_size);
	fd = open(path, O_RDONLY);
	CHECK(read(fd, whole, (size_t)is.st_size) == is.st_size);
	close(fd);
	for (int i = 0; i < 300; i++) {
		unsigned char *copy = malloc((size_t)is.st_size);
		size_t length = (size_t)is.st_size;
		bool more = i % 3 == 0;

		memcpy(copy, whole, length);
		for (int k = 0; k < (more ? 200 : 3); k++) {
			seed = seed * 1103515245 + 12345;
			copy[(i % 2 ? seed >> 8 : seed >> 8 & 0xfff) % length] = (unsigned char)(seed >> 4);
		}
		if (i % 10 == 9)
			length = length * (seed >> 16 & 0xff) / 256;
		fd = open(path, O_WRONLY | O_TRUNC);
		CHECK(write(fd, copy, length) == (ssize_t)length);
		close(fd);
		free(copy);
		ask_all();
		damaged += verify_with(NULL, &verdict) != 0;
		if (i % 5 == 0)
			write_on();
	}
	/* Some bytes are of no use to anybody. */
	CHECK(damaged > 150);
	printf("# %u of 300 show\n", damaged);
	free(whole);
	remove_directory();
}

static void lists_that_are_none_are_errors(void)
{
	static const char *const lists[] = { "no end", "a\tb\tc\td\n", "a\\x\n", "\\", "a\t\\" };
	char change[200], many[1024] = "";
	struct croom_journal_file *file;
	int count = 0;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		make();
		snprintf(change, sizeof(change), "UPDATE journal SET handlers = '%s' WHERE kind IN ('intent', 'start')", lists[i]);
		sql(change);
		CHECK_EQ(croom_journal_file_open(&file, path, &err), 0);
		CHECK_EQ(croom_journal_file_each(file, INT64_MIN, count_row, &count, &err), -EBADMSG);
		CHECK(strstr(err.text, "a list of row 1 is none"));
		CHECK_EQ(croom_journal_file_at(file, wall_ns(), count_moment, &count, &err), 0);
		croom_journal_file_close(file);
		write_on();
		remove_directory();
	}
	for (int i = 0; i < 257; i++)
		strcat(many, "a\n");
	make();
	sqlite3_snprintf(sizeof(rows), rows, "UPDATE journal SET handlers = %Q WHERE kind = 'intent'", many);
	sql(rows);
	write_on();
	remove_directory();
}

static void it_is_read_while_it_grows_and_where_nothing_can_be_written(void)
{
	struct croom_journal_file *file;
	int before = 0, after = 0;
	char name[120];

	new_directory();
	run_begin();
	CHECK_EQ(swap_to("printer", "number:1"), 0);
	CHECK_EQ(croom_journal_file_open(&file, path, &err), 0);
	CHECK_EQ(croom_journal_file_each(file, INT64_MIN, count_row, &before, &err), 0);
	CHECK_EQ(swap_to("printer", "number:2"), 0);
	CHECK_EQ(croom_journal_file_each(file, INT64_MIN, count_row, &after, &err), 0);
	CHECK_EQ(after, before + 2);
	croom_journal_file_close(file);
	/* A reader that closes takes nothing of the writer's away. */
	CHECK_EQ(swap_to("printer", "number:3"), 0);
	run_end();
	/* The last writer leaves one file, and nothing beside it. */
	snprintf(name, sizeof(name), "%s-shm", path);
	CHECK(access(name, F_OK) != 0);
	if (geteuid() == 0) {
		pid_t child = fork();
		int status;

		/* Root may write anywhere; somebody else may not. */
		if (child == 0) {
			chmod(path, 0444);
			chmod(directory, 0555);
			if (setuid(65534))
				_exit(2);
			_exit(open_rc(path) == 0 ? 0 : 1);
		}
		waitpid(child, &status, 0);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		chmod(directory, 0700);
		chmod(path, 0600);
	} else {
		chmod(directory, 0555);
		CHECK_EQ(open_rc(path), 0);
		chmod(directory, 0700);
	}
	CHECK_EQ(verify(), 0);
	remove_directory();
}

int main(void)
{
	RUN(an_altered_row_shows);
	RUN(a_text_is_not_moved_over_a_border);
	RUN(a_column_that_is_of_another_kind_shows);
	RUN(a_removed_row_shows);
	RUN(rows_that_were_put_in_or_exchanged_show);
	RUN(an_end_that_was_cut_off_shows_against_a_noted_head);
	RUN(a_noted_head_that_was_cut_away_by_the_program_is_told_apart);
	RUN(a_clock_that_was_set_back_is_no_finding);
	RUN(what_is_no_journal_is_refused_with_a_sentence);
	RUN(nothing_that_a_file_brings_is_run);
	RUN(damaged_pages_are_errors);
	RUN(lists_that_are_none_are_errors);
	RUN(it_is_read_while_it_grows_and_where_nothing_can_be_written);
	return check_result();
}
