// SPDX-License-Identifier: BSD-2-Clause
/* What a new run finds: the last confirmed state, and in quarantine what was in force unconfirmed when a run died. */
#include "rig.h"

static struct croom_journal_restored restored;

/* Begin, put back, and say whether that left this in the two slots. */
static int comes_back(const char *print, const char *filtered)
{
	int same;

	run_begin();
	CHECK_EQ(croom_journal_restore(journal, NULL, 0, NULL, &restored, &err), 0);
	same = strcmp(sits("printer"), print) == 0 && strcmp(sits("filter"), filtered) == 0;
	if (!same)
		printf("# printer=%s filter=%s; %s\n", sits("printer"), sits("filter"), restored.text);
	return same;
}

static void the_first_run_finds_nothing(void)
{
	new_directory();
	run_begin();
	CHECK_EQ(croom_journal_restore(journal, NULL, 0, NULL, &restored, &err), 0);
	CHECK(restored.revision == 0 && restored.handlers == 0 && restored.refused == 0 && !restored.died && restored.text[0] == 0);
	CHECK_EQ(croom_room_revision(room), 1);
	run_end();
	remove_directory();
}

static void what_was_in_force_comes_back_as_one_change(void)
{
	new_directory();
	run_begin();
	CHECK_EQ(swap_to("printer", "number:1"), 0);
	CHECK_EQ(swap_to("filter", "number:2"), 0);
	CHECK_EQ(swap_to("printer", "number:3"), 0);
	run_end();
	CHECK(comes_back("number:3", "number:2"));
	CHECK_EQ(croom_room_revision(room), 2);
	CHECK(restored.revision == 4 && restored.handlers == 2 && restored.refused == 0 && !restored.died && restored.time_ns > 0);
	CHECK(strstr(restored.text, "restored what was in force as revision 4 since ") && strstr(restored.text, ": printer=number:3 filter=number:2"));
	run_end();
	SAYS("end 4", "start 1", "kept 4", "intent 2", "printer=number:3 filter=number:2 by restored: revision 4 of 20", "changed 2", "end 2");
	/* And again: it was confirmed. */
	CHECK(comes_back("number:3", "number:2"));
	run_end();
	CHECK_EQ(verify(), 0);
	remove_directory();
}

static void swaps(void)
{
	CHECK_EQ(swap_to("printer", "number:1"), 0);
	CHECK_EQ(swap_to("filter", "number:2"), 0);
}

static void it_comes_back_when_the_run_died(void)
{
	new_directory();
	run_that_dies(swaps);
	CHECK(comes_back("number:1", "number:2"));
	CHECK(restored.died && restored.handlers == 2);
	run_end();
	SAYS("start 1 printer=off filter=all;", "changed 3", "start 1 printer=off filter=all -- ; the run before, pid ", "had no end;", "changed 2", "end 2");
	CHECK_EQ(verify(), 0);
	remove_directory();
}

static void unconfirmed(void)
{
	CHECK_EQ(swap_to("printer", "number:1"), 0);
	CHECK_EQ(swap_unconfirmed("printer", "number:13"), 0);
}

static void who_died_unconfirmed_is_in_quarantine(void)
{
	new_directory();
	run_that_dies(unconfirmed);
	CHECK(comes_back("number:1", "all"));
	CHECK(strstr(restored.text, "printer=number:13 is in quarantine: it was in force unconfirmed (revision 3, since "));
	CHECK_EQ(swap_to("printer", "number:13"), -EACCES);
	CHECK(err.kind == CROOM_ERROR_QUARANTINED && strstr(err.text, "unconfirmed (revision 3"));
	run_end();
	/* It stays there, however the runs end. */
	CHECK(comes_back("number:1", "all"));
	CHECK_EQ(swap_to("printer", "number:13"), -EACCES);
	run_end();
	run_that_dies(swaps);
	CHECK(comes_back("number:1", "number:2"));
	CHECK_EQ(swap_to("printer", "number:13"), -EACCES);
	/* Until it is pardoned. */
	CHECK_EQ(croom_room_pardon(room, "printer", "number:13", NULL, &err), 0);
	CHECK_EQ(swap_to("printer", "number:13"), 0);
	run_end();
	CHECK(comes_back("number:13", "number:2"));
	CHECK(!strstr(restored.text, "quarantine"));
	run_end();
	CHECK_EQ(verify(), 0);
	remove_directory();
}

static void a_clean_end_before_the_confirmation_is_no_crime(void)
{
	new_directory();
	run_begin();
	unconfirmed();
	run_end();
	CHECK(comes_back("number:1", "all"));
	CHECK(strstr(restored.text, "revision 3 was not confirmed before the end, and is not restored"));
	CHECK_EQ(swap_to("printer", "number:13"), 0);
	run_end();
	remove_directory();
}

static void confirmed(void)
{
	unconfirmed();
	CHECK_EQ(croom_room_confirm(room, 0, NULL, &err), 0);
}

static void who_was_confirmed_comes_back(void)
{
	new_directory();
	run_that_dies(confirmed);
	CHECK(comes_back("number:13", "all"));
	CHECK_EQ(restored.revision, 3);
	run_end();
	remove_directory();
}

static void on_trial(void)
{
	struct croom_trial trial = { .kind = CROOM_GUARD };

	CHECK_EQ(swap_to("printer", "number:1"), 0);
	CHECK_EQ(rig_swap(room, "printer", "number:2", &(struct croom_swap_options){ .trial = &trial }, NULL, &err), 0);
	/* A change of another slot that needs no word of anybody. */
	CHECK_EQ(swap_to("filter", "number:5"), 0);
}

static void who_died_on_trial_is_in_quarantine_and_nobody_else(void)
{
	new_directory();
	run_that_dies(on_trial);
	/* The last state of which nothing waited, as a whole. */
	CHECK(comes_back("number:1", "all"));
	CHECK_EQ(swap_to("printer", "number:2"), -EACCES);
	CHECK_EQ(swap_to("filter", "number:5"), 0);
	run_end();
	remove_directory();
}

static void gone_back(void)
{
	struct timespec pause = { .tv_nsec = 3000000 };

	CHECK_EQ(swap_to("printer", "number:1"), 0);
	CHECK_EQ(rig_swap(room, "printer", "number:2", &(struct croom_swap_options){ .confirm_ms = 1 }, NULL, &err), 0);
	nanosleep(&pause, NULL);
	croom_room_tick(room);
	CHECK_EQ(croom_room_revision(room), 4);
}

static void what_went_back_by_itself_is_no_crime(void)
{
	new_directory();
	run_that_dies(gone_back);
	CHECK(comes_back("number:1", "all"));
	CHECK_EQ(restored.revision, 4);
	CHECK_EQ(swap_to("printer", "number:2"), 0);
	run_end();
	remove_directory();
}

static void a_handler_that_is_not_there_is_left_out_and_named(void)
{
	const struct croom_journal_choice second = { "printer", "number:8", false };

	new_directory();
	room = rig_open();
	CHECK_EQ(croom_room_class_add(room, "printer", &(struct croom_class){ .name = "plugged", CROOM_RUNS(plain) }, NULL), 0);
	CHECK_EQ(croom_journal_open(&journal, room, directory, NULL, &err), 0);
	CHECK_EQ(swap_to("printer", "plugged"), 0);
	CHECK_EQ(swap_to("filter", "number:2"), 0);
	run_end();
	run_begin();
	CHECK_EQ(croom_journal_restore(journal, &second, 1, NULL, &restored, &err), 0);
	CHECK(strcmp(sits("printer"), "number:8") == 0 && strcmp(sits("filter"), "number:2") == 0);
	CHECK(restored.refused == 1 && restored.handlers == 1 && strstr(restored.text, "NOT restored: printer=plugged: no class 'plugged'"));
	CHECK_EQ(croom_room_revision(room), 2);
	run_end();
	/* What was put there instead is what is in force now. */
	CHECK(comes_back("number:8", "number:2"));
	run_end();
	remove_directory();
}

static void what_the_program_asks_for_wins(void)
{
	const struct croom_journal_choice choice[] = { { "printer", "number:7", true }, { "filter", "number:8", false } };
	const struct croom_journal_choice wrong = { "printer", "number:x", true };
	const struct croom_origin who = { 1, 2, "the command line" };

	new_directory();
	run_that_dies(swaps);
	run_begin();
	CHECK_EQ(croom_journal_restore(journal, &wrong, 1, NULL, &restored, &err), -EINVAL);
	CHECK(strstr(err.text, "number:x") || strstr(err.text, "takes a number"));
	CHECK_EQ(croom_room_revision(room), 1);
	CHECK_EQ(croom_journal_restore(journal, choice, 2, &who, &restored, &err), 0);
	CHECK(strcmp(sits("printer"), "number:7") == 0 && strcmp(sits("filter"), "number:2") == 0);
	CHECK(restored.handlers == 1 && !strstr(restored.text, "printer="));
	run_end();
	SAYS("printer=number:7 filter=number:2 by the command line; restored: revision 3 of 20");
	remove_directory();
}

static void a_second_choice_is_for_where_nothing_comes_back(void)
{
	const struct croom_journal_choice choice[] = { { "printer", "number:7", false }, { "filter", "number:8", true } };

	new_directory();
	run_begin();
	CHECK_EQ(croom_journal_restore(journal, choice, 2, NULL, &restored, &err), 0);
	CHECK(strcmp(sits("printer"), "number:7") == 0 && strcmp(sits("filter"), "number:8") == 0);
	CHECK_EQ(croom_room_revision(room), 2);
	run_end();
	remove_directory();
}

/* A run that dies between its beginning and what it puts back must not hide what was there before. */
static void nothing(void)
{
}

static void a_run_that_dies_at_once_changes_nothing(void)
{
	new_directory();
	run_that_dies(unconfirmed);
	run_that_dies(nothing);
	run_that_dies(nothing);
	CHECK(comes_back("number:1", "all"));
	CHECK_EQ(swap_to("printer", "number:13"), -EACCES);
	run_end();
	CHECK_EQ(verify(), 0);
	remove_directory();
}

static void a_change_that_was_only_intended_is_none_until_it_is_told(void)
{
	static const char behind[] = "DELETE FROM journal WHERE row > (SELECT max(row) FROM journal WHERE kind = 'intent')";

	new_directory();
	/* What the journal of a process that died in between looks like: the intent is its last row. */
	run_that_dies(unconfirmed);
	sql(behind);
	CHECK_EQ(verify(), 0);
	CHECK(comes_back("number:1", "all"));
	CHECK_EQ(swap_to("printer", "number:13"), -EACCES);
	run_end();
	/* One that needs no confirmation: nobody knows, so what was told last comes back, and nobody is to blame. */
	run_that_dies(swaps);
	sql(behind);
	CHECK(comes_back("number:1", "all"));
	CHECK_EQ(swap_to("filter", "number:2"), 0);
	run_end();
	remove_directory();
}

static void the_state_of_a_lossy_run_is_told_again(void)
{
	struct croom_journal_state state;

	new_directory();
	run_begin();
	CHECK_EQ(swap_to("printer", "number:1"), 0);
	unlink(path);
	CHECK_EQ(swap_unconfirmed("printer", "number:2"), 0);
	do {
		usleep(20000);
		croom_journal_tick(journal);
		croom_journal_look(journal, &state);
	} while (!state.kept);
	run_end();
	SAYS("start 3 ! printer=number:2?", "lost 3 ! since:", "printer=number:2? filter=all", "kept 2 since:", "printer=number:1 filter=all", "end 3");
	CHECK(comes_back("number:1", "all"));
	run_end();
	remove_directory();
}

int main(void)
{
	RUN(the_first_run_finds_nothing);
	RUN(what_was_in_force_comes_back_as_one_change);
	RUN(it_comes_back_when_the_run_died);
	RUN(who_died_unconfirmed_is_in_quarantine);
	RUN(a_clean_end_before_the_confirmation_is_no_crime);
	RUN(who_was_confirmed_comes_back);
	RUN(who_died_on_trial_is_in_quarantine_and_nobody_else);
	RUN(what_went_back_by_itself_is_no_crime);
	RUN(a_handler_that_is_not_there_is_left_out_and_named);
	RUN(what_the_program_asks_for_wins);
	RUN(a_second_choice_is_for_where_nothing_comes_back);
	RUN(a_run_that_dies_at_once_changes_nothing);
	RUN(a_change_that_was_only_intended_is_none_until_it_is_told);
	RUN(the_state_of_a_lossy_run_is_told_again);
	return check_result();
}
