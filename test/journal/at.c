// SPDX-License-Identifier: BSD-2-Clause
/* What was in force at a moment: also where the program did not run, died, lost rows, and where the clock was set back. */
#include "rig.h"

/* Each run of a test begins its clock anew at a full minute: T(n) is n seconds later. */
static int64_t base_s;

static void at_second(int64_t second)
{
	still_s = base_s + second;
}

static char said[4096];

static int say(void *env, const struct croom_journal_moment *moment)
{
	static const char *const spans[] = { "running", "unsure", "stopped", "unknown" };
	size_t used = strlen(said);

	(void)env;
	used += (size_t)snprintf(said + used, sizeof(said) - used, "%s %llu", spans[moment->span], (unsigned long long)moment->revision);
	for (unsigned i = 0; i < moment->slots; i++)
		used += (size_t)snprintf(said + used, sizeof(said) - used, " %s%s", moment->slot[i].handler, moment->slot[i].waits ? "?" : "");
	used += (size_t)snprintf(said + used, sizeof(said) - used, " since %lld", (long long)(moment->since_ns / SECOND - base_s));
	if (moment->until_ns)
		used += (size_t)snprintf(said + used, sizeof(said) - used, " until %lld", (long long)(moment->until_ns / SECOND - base_s));
	snprintf(said + used, sizeof(said) - used, "%s%s%s%s;", *moment->command ? " by " : "", moment->command, *moment->text ? " -- " : "",
		 moment->text);
	return 0;
}

static int ask(int64_t second)
{
	struct croom_journal_file *file;
	int rc;

	said[0] = 0;
	CHECK_EQ(croom_journal_file_open(&file, path, &err), 0);
	rc = croom_journal_file_at(file, (base_s + second) * SECOND + SECOND / 2, say, NULL, &err);
	croom_journal_file_close(file);
	return rc;
}

/* At that second (and a half) it says this and no more. */
static void was(int64_t second, const char *what)
{
	CHECK_EQ(ask(second), 0);
	if (strcmp(said, what)) {
		printf("# at %lld: %s\n#     not: %s\n", (long long)second, said, what);
		CHECK(!"what was in force");
	}
}

/* The same, where a part of it is enough. */
static void was_about(int64_t second, const char *begins, const char *contains)
{
	CHECK_EQ(ask(second), 0);
	if (strncmp(said, begins, strlen(begins)) || !strstr(said, contains)) {
		printf("# at %lld: %s\n#     not: %s ... %s\n", (long long)second, said, begins, contains);
		CHECK(!"what was in force");
	}
}

static void begin_at(int64_t second)
{
	struct timespec now;

	new_directory();
	syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
	base_s = now.tv_sec - 100000;
	base_s -= base_s % 60;
	at_second(second);
	run_begin();
}

static void says_what_was_in_force_and_who_did_it(void)
{
	const struct croom_origin who = { 1000, 77, "me" };
	const struct croom_change both[] = { { "printer", "number:1" }, { "filter", "number:2" } };

	begin_at(0);
	at_second(10);
	CHECK_EQ(croom_room_swap(room, both, 2, &(struct croom_swap_options){ .origin = &who }, NULL, &err), 0);
	at_second(20);
	CHECK_EQ(swap_unconfirmed("printer", "number:3"), 0);
	at_second(30);
	CHECK_EQ(croom_room_confirm(room, 0, &who, &err), 0);
	at_second(40);
	CHECK_EQ(swap_to("printer", "number:x"), -EINVAL);
	at_second(50);
	run_end();
	at_second(100);
	was_about(-5, "unknown 0 since ", " until 0 -- the journal begins at ");
	was(5, "running 1 off all since 0 until 10;");
	was(15, "running 2 number:1 number:2 since 10 until 20 by me;");
	was(25, "running 3 number:3? number:2 since 20 until 30;");
	/* Confirmed, and in force since it was changed. */
	was(35, "running 3 number:3 number:2 since 20 until 50;");
	was(45, "running 3 number:3 number:2 since 20 until 50;");
	was(55, "stopped 0 since 50;");
	CHECK_EQ(ask(105), -EINVAL);
	CHECK(strstr(err.text, "yet to come"));
	remove_directory();
}

static void a_live_program_s_last_state_is_in_force(void)
{
	begin_at(0);
	at_second(10);
	CHECK_EQ(swap_to("printer", "number:1"), 0);
	at_second(1000);
	was(900, "running 2 number:1 all since 10;");
	run_end();
	was_about(900, "running 2 number:1 all since 10 until 1000;", "");
	at_second(2000);
	was(1500, "stopped 0 since 1000;");
	run_begin();
	at_second(2100);
	was(1500, "stopped 0 since 1000 until 2000;");
	was_about(2050, "running 1 off all", "");
	run_end();
	remove_directory();
}

static void at_ten(void)
{
	at_second(10);
	CHECK_EQ(swap_to("printer", "number:1"), 0);
	at_second(20);
	croom_room_note(room, NULL, "alive");
}

static void when_it_died_is_not_known_better_than_its_rows(void)
{
	begin_at(-100);
	run_end();
	at_second(0);
	run_that_dies(at_ten);
	at_second(60);
	was(15, "running 2 number:1 all since 10;");
	was_about(30, "unsure 2 number:1 all since 10 -- the program, pid ", "has no end in the journal: it ended, without saying so, some time after ");
	at_second(60);
	run_begin();
	at_second(70);
	was(15, "running 2 number:1 all since 10 until 60;");
	was_about(30, "unsure 2 number:1 all since 10 until 60 -- the program, pid ", "when it was started again");
	was(65, "running 1 off all since 60;");
	run_end();
	remove_directory();
}

static void where_rows_were_lost_it_says_so(void)
{
	struct croom_journal_state state;

	begin_at(0);
	at_second(10);
	CHECK_EQ(swap_to("printer", "number:1"), 0);
	/* What another process does that writes to it. */
	sqlite3 *db;
	CHECK_EQ(sqlite3_open(path, &db), SQLITE_OK);
	CHECK_EQ(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	at_second(20);
	CHECK_EQ(swap_to("printer", "number:2"), 0);
	sqlite3_close(db);
	at_second(30);
	do {
		usleep(20000);
		croom_journal_tick(journal);
		croom_journal_look(journal, &state);
	} while (!state.kept);
	at_second(60);
	was_about(15, "running 2 number:1 all since 10 until 3", ";");
	was_about(19, "running 2 number:1 all since 10 until 3", ";");
	was_about(25, "unsure 2 number:1 all since 10", "2 rows lost from ");
	was_about(45, "running 3 number:2 all since 20", "");
	run_end();
	remove_directory();
}

static void a_clock_that_was_set_back_gives_a_moment_twice(void)
{
	begin_at(0);
	at_second(100);
	CHECK_EQ(swap_to("printer", "number:1"), 0);
	at_second(200);
	croom_room_note(room, NULL, "still the first");
	at_second(50);
	CHECK_EQ(swap_to("printer", "number:2"), 0);
	at_second(400);
	run_end();
	at_second(1000);
	was(150, "running 2 number:1 all since 100 -- the clock was set back after that;running 3 number:2 all since 50 until 400;");
	was(30, "running 1 off all since 0 until 100;");
	was_about(70, "running 1 off all since 0 until 100;running 3 number:2 all since 50 until 400;", "");
	was(300, "running 3 number:2 all since 50 until 400;");
	remove_directory();
}

static void what_was_cut_away_is_not_known(void)
{
	const struct croom_journal_options few = { .rows_max = 100 };

	begin_at(0);
	run_end();
	CHECK_EQ(run_begin_with(&few), 0);
	CHECK_EQ(swap_to("printer", "number:1"), 0);
	for (int i = 0; i < 300; i++) {
		at_second(10 + i);
		croom_room_note(room, NULL, "x");
		croom_journal_tick(journal);
	}
	at_second(1000);
	was_about(20, "unknown 0 ", "older rows were cut away: the journal begins at ");
	/* The rows that are there begin with notes: nobody says what they were about, until a row that tells of a cut does. */
	for (int second = 100; second < 310 && !strstr(said, "the rows that say it were cut away"); second++)
		CHECK_EQ(ask(second), 0);
	CHECK(strncmp(said, "unknown 0 ", 10) == 0);
	was_about(300, "running 2 number:1 all since ", "");
	was_about(900, "running 2 number:1 all since ", "");
	run_end();
	remove_directory();
}

int main(void)
{
	RUN(says_what_was_in_force_and_who_did_it);
	RUN(a_live_program_s_last_state_is_in_force);
	RUN(when_it_died_is_not_known_better_than_its_rows);
	RUN(where_rows_were_lost_it_says_so);
	RUN(a_clock_that_was_set_back_gives_a_moment_twice);
	RUN(what_was_cut_away_is_not_known);
	return check_result();
}
