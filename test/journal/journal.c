// SPDX-License-Identifier: BSD-2-Clause
/* What a journal writes, and what it does when it cannot. */
#include "rig.h"
#include <sys/resource.h>
#include <signal.h>

static void every_change_is_told_before_and_after(void)
{
	const struct croom_origin who = { 1000, 77, "croomctl swap" };
	const struct croom_change both[] = { { "printer", "number:1" }, { "filter", "number:2" } };

	new_directory();
	run_begin();
	CHECK_EQ(croom_room_swap(room, both, 2, &(struct croom_swap_options){ .origin = &who }, NULL, &err), 0);
	CHECK_EQ(croom_room_rollback(room, 0, &published, NULL, &err), 0);
	run_end();
	SAYS("start 1 printer=off filter=all;", "intent 2 printer:off>number:1 filter:all>number:2 printer=number:1 filter=number:2 by croomctl swap;",
	     "changed 2 printer:off>number:1 filter:all>number:2 by croomctl swap;",
	     "intent 3 printer:number:1>off filter:number:2>all printer=off filter=all;", "changed 3", "end 3");
	CHECK_EQ(verify(), 0);
	remove_directory();
}

static void whatever_else_happens_is_told(void)
{
	const struct croom_origin who = { 1000, 77, "me" };

	new_directory();
	run_begin();
	CHECK_EQ(swap_to("printer", "number:x"), -EINVAL);
	CHECK_EQ(swap_to("nowhere", "number:1"), -ENOENT);
	CHECK_EQ(swap_unconfirmed("printer", "number:1"), 0);
	CHECK_EQ(croom_room_confirm(room, 7, &who, &err), -ESTALE);
	CHECK_EQ(croom_room_confirm(room, 0, &who, &err), 0);
	CHECK_EQ(croom_room_freeze(room, "until noon", &who, &err), 0);
	CHECK_EQ(swap_to("printer", "number:2"), -EPERM);
	CHECK_EQ(croom_room_thaw(room, &who, &err), 0);
	CHECK_EQ(croom_room_quarantine(room, "printer", "number:13", "for luck"), 0);
	CHECK_EQ(swap_to("printer", "number:13"), -EACCES);
	CHECK_EQ(croom_room_pardon(room, "printer", "number:13", &who, &err), 0);
	croom_room_note(room, &who, "a plugin was loaded");
	run_end();
	SAYS("refused 1 ! printer:>number:x -- printer=number: takes a number", "refused 1 ! nowhere:>number:1 -- no slot",
	     "intent 2 ! printer:off>number:1 printer=number:1? filter=all -- to be confirmed within 3600 s;", "changed 2 !",
	     "refused 2 ! by me -- revision 2 waits", "confirmed 2 printer=number:1 filter=all by me;", "frozen 2 ! by me -- until noon;",
	     "refused 2 ! printer:>number:2 -- the room is frozen", "thawed 2 ! by me", "quarantined 2 ! printer:>number:13 -- for luck;",
	     "refused 2 ! printer:>number:13 -- printer=number:13 is quarantined", "pardoned 2 ! printer:>number:13 by me",
	     "note 2 ! by me -- a plugin was loaded;", "end 2");
	CHECK_EQ(verify(), 0);
	remove_directory();
}

static void the_first_record_of_each_lane_is_told(void)
{
	struct croom_lane *feed, *idle;
	const struct croom_panel *panel;
	struct croom_journal_state state;

	new_directory();
	run_begin();
	CHECK_EQ(croom_room_lane_add(room, "feed", &feed), 0);
	CHECK_EQ(croom_room_lane_add(room, "idle", &idle), 0);
	panel = croom_lane_unpark(feed);
	croom_lane_records_add(feed, 41);
	CHECK_EQ(swap_to("printer", "number:1"), 0);
	croom_journal_tick(journal);
	CHECK(!strstr(read_rows(), "observed"));
	CHECK_EQ(swap_to("printer", "number:2"), 0);
	panel = croom_lane_observe(feed, panel);
	(void)panel;
	croom_journal_tick(journal);
	SAYS("observed 2 ! feed:42>went to revision 3 idle:1>", "observed 3 ! feed:42> idle:1>asleep;");
	croom_journal_look(journal, &state);
	CHECK(state.kept && state.lost == 0 && state.why[0] == 0);
	CHECK_EQ(state.rows, 7);
	croom_lane_park(feed);
	run_end();
	remove_directory();
}

/* A config may hold what separates fields, and bytes that are no text. */
static int any_open(void **ctx, const char *config, void *env, struct croom_error *e)
{
	(void)config;
	return gadget_open(ctx, "1", env, e);
}
static const struct croom_class any = { .name = "any", .syntax = "TEXT", CROOM_RUNS(gadget), .open = any_open, .close = gadget_close };

static void any_config_comes_back_as_it_was(void)
{
	static const char odd[] = "any:a\tb\\t\\n\n\n=\x01\xff\x80 'x' \"y\" \\";
	struct croom_journal_restored restored;

	new_directory();
	room = rig_open();
	CHECK_EQ(croom_room_class_add(room, "printer", &any, NULL), 0);
	CHECK_EQ(croom_journal_open(&journal, room, directory, NULL, &err), 0);
	CHECK_EQ(swap_to("printer", odd), 0);
	run_end();
	CHECK_EQ(verify(), 0);
	room = rig_open();
	CHECK_EQ(croom_room_class_add(room, "printer", &any, NULL), 0);
	CHECK_EQ(croom_journal_open(&journal, room, directory, NULL, &err), 0);
	CHECK_EQ(croom_journal_restore(journal, NULL, 0, NULL, &restored, &err), 0);
	CHECK_EQ(restored.handlers, 1);
	CHECK(strcmp(sits("printer"), odd) == 0);
	run_end();
	remove_directory();
}

static void long_words_of_a_request_are_cut_and_states_are_not(void)
{
	static char handler[60000], text[9000];
	struct croom_origin who = { 1, 2, text };

	memset(text, 'c', sizeof(text) - 1);
	memset(handler, 'x', sizeof(handler) - 1);
	memcpy(handler, "any:", 4);
	new_directory();
	room = rig_open();
	CHECK_EQ(croom_room_class_add(room, "printer", &any, NULL), 0);
	CHECK_EQ(croom_journal_open(&journal, room, directory, NULL, &err), 0);
	CHECK_EQ(rig_swap(room, "filter", handler, &(struct croom_swap_options){ .origin = &who }, NULL, &err), -ENOENT);
	CHECK_EQ(swap_to("printer", handler), 0);
	run_end();
	read_rows();
	CHECK(strstr(rows, "intent") - strstr(rows, "refused") < 10000 && strstr(rows, "xxx... by ccc"));
	CHECK(strstr(rows, handler));
	CHECK_EQ(verify(), 0);
	remove_directory();
}

static int gauge_found;

static int see_gauge(void *env, const struct croom_gauge_view *gauge)
{
	if (strcmp(gauge->name, "journal_lost") == 0) {
		gauge_found = 1;
		*(double *)env = gauge->value;
	}
	return 0;
}

static double lost_gauge(void)
{
	double value = -1;

	gauge_found = 0;
	croom_room_each_gauge(room, see_gauge, &value);
	return value;
}

/* Tick until it is written again: the first try is a second later. */
static void until_kept(void)
{
	struct croom_journal_state state;

	do {
		usleep(20000);
		croom_journal_tick(journal);
		croom_journal_look(journal, &state);
	} while (!state.kept);
}

static void what_cannot_be_written_is_counted_and_told_later(void)
{
	struct rlimit before, none = { 0, 0 };
	struct croom_journal_state state;

	new_directory();
	run_begin();
	CHECK_EQ(swap_to("printer", "number:1"), 0);
	croom_journal_tick(journal);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	none.rlim_max = before.rlim_max;
	setrlimit(RLIMIT_FSIZE, &none);
	CHECK_EQ(swap_to("printer", "number:2"), 0);
	CHECK_EQ(swap_to("printer", "number:x"), -EINVAL);
	CHECK(strcmp(sits("printer"), "number:2") == 0);
	croom_journal_look(journal, &state);
	CHECK(!state.kept && state.lost == 3 && state.lost_since_ns > 0);
	CHECK(strstr(state.why, "rig.journal"));
	CHECK(lost_gauge() == 3);
	setrlimit(RLIMIT_FSIZE, &before);
	until_kept();
	CHECK_EQ(swap_to("printer", "number:3"), 0);
	croom_journal_look(journal, &state);
	CHECK(state.kept && state.why[0] == 0 && state.lost_since_ns == 0);
	CHECK_EQ(state.lost, 3);
	run_end();
	SAYS("changed 2", "lost 3 since:", "printer=number:2 filter=all -- 3 rows lost from ", "File too large", "intent 4 printer:number:2>number:3", "end 4");
	CHECK_EQ(verify(), 0);
	remove_directory();
}

static void a_file_that_is_removed_is_made_anew(void)
{
	struct croom_journal_state state;

	new_directory();
	run_begin();
	CHECK_EQ(swap_unconfirmed("printer", "number:1"), 0);
	unlink(path);
	CHECK_EQ(croom_room_confirm(room, 0, NULL, &err), 0);
	croom_journal_look(journal, &state);
	CHECK(!state.kept && state.lost == 1 && strstr(state.why, "removed or replaced"));
	until_kept();
	CHECK_EQ(swap_unconfirmed("printer", "number:2"), 0);
	run_end();
	SAYS("start 2 printer=number:1 filter=all -- ; goes on in a new file;", "lost 2 since:", "printer=number:1 filter=all -- 1 row lost",
	     "intent 3 ! printer:number:1>number:2", "end 3");
	CHECK_EQ(verify(), 0);
	/* And what was confirmed meanwhile is what comes back. */
	run_begin();
	CHECK_EQ(croom_journal_restore(journal, NULL, 0, NULL, NULL, &err), 0);
	CHECK(strcmp(sits("printer"), "number:1") == 0);
	run_end();
	remove_directory();
}

static void a_file_that_is_none_is_left_alone_and_costs_no_swap(void)
{
	static const char other[] = "what somebody keeps here is his own, and long enough to be looked at as a header of a database, too\n";
	struct croom_journal_restored restored;
	char back[200] = "", aside[120];
	int fd;

	new_directory();
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	CHECK(write(fd, other, sizeof(other)) == sizeof(other));
	close(fd);
	CHECK_EQ(run_begin_with(NULL), -EBADMSG);
	CHECK(journal && strstr(err.text, "is no journal"));
	CHECK_EQ(croom_journal_restore(journal, NULL, 0, NULL, &restored, &err), 0);
	CHECK(strstr(restored.text, "NOTHING is restored") && strstr(restored.text, "is no journal"));
	CHECK_EQ(swap_to("printer", "number:1"), 0);
	CHECK(lost_gauge() == 2);
	fd = open(path, O_RDONLY);
	CHECK(read(fd, back, sizeof(back)) == sizeof(other) && memcmp(back, other, sizeof(other)) == 0);
	close(fd);
	/* What the operator does then. */
	snprintf(aside, sizeof(aside), "%s.aside", path);
	rename(path, aside);
	until_kept();
	CHECK_EQ(swap_to("printer", "number:2"), 0);
	run_end();
	SAYS("start 2 printer=number:1", "lost 2", "2 rows lost from", "is no journal", "intent 3");
	CHECK_EQ(verify(), 0);
	remove_directory();
}

static void one_process_keeps_it_and_the_other_says_so(void)
{
	struct croom_journal *second = NULL;
	struct croom_room *other;

	new_directory();
	run_begin();
	other = rig_open();
	CHECK_EQ(croom_journal_open(&second, other, directory, NULL, &err), -EBUSY);
	CHECK(second && strstr(err.text, "is kept by another process, pid "));
	CHECK_EQ(rig_swap(other, "printer", "plain", &published, NULL, &err), 0);
	croom_journal_close(second);
	croom_room_close(other);
	CHECK_EQ(swap_to("printer", "plain"), 0);
	run_end();
	CHECK(!strstr(read_rows(), "refused"));
	SAYS("start 1", "intent 2", "changed 2", "end 2");
	CHECK_EQ(verify(), 0);
	remove_directory();
}

static void the_second_takes_over_when_the_first_has_gone(void)
{
	struct croom_room *first = NULL;
	struct croom_journal *kept = NULL;

	new_directory();
	run_begin();
	first = room;
	kept = journal;
	CHECK_EQ(run_begin_with(NULL), -EBUSY);
	CHECK_EQ(swap_to("printer", "plain"), 0);
	croom_journal_close(kept);
	croom_room_close(first);
	until_kept();
	run_end();
	SAYS("start 1", "end 1", "start 2", "lost 2", "2 rows lost", "is kept by another", "end 2");
	CHECK_EQ(verify(), 0);
	remove_directory();
}

static void a_directory_that_others_can_write_to_is_refused(void)
{
	new_directory();
	chmod(directory, 0777);
	CHECK_EQ(run_begin_with(NULL), -EPERM);
	CHECK(strstr(err.text, "nobody else can write to"));
	CHECK_EQ(swap_to("printer", "plain"), 0);
	run_end();
	chmod(directory, 0700);
	run_begin();
	run_end();
	chmod(path, 0666);
	CHECK_EQ(run_begin_with(NULL), -EPERM);
	run_end();
	unlink(path);
	CHECK_EQ(symlink("/etc/passwd", path), 0);
	CHECK_EQ(run_begin_with(NULL), -EPERM);
	run_end();
	remove_directory();
}

static void its_files_are_for_their_owner_alone(void)
{
	char name[120];
	struct stat is;

	new_directory();
	umask(0);
	rmdir(directory);
	run_begin();
	CHECK_EQ(swap_to("printer", "plain"), 0);
	CHECK(stat(directory, &is) == 0 && (is.st_mode & 0777) == 0700);
	for (const char *const *end = (const char *const[]){ "", "-wal", "-shm", ".lock", NULL }; *end; end++) {
		snprintf(name, sizeof(name), "%s%s", path, *end);
		CHECK(stat(name, &is) == 0 && (is.st_mode & 0777) == 0600);
	}
	run_end();
	snprintf(name, sizeof(name), "%s-wal", path);
	CHECK(stat(name, &is) != 0);
	umask(022);
	remove_directory();
}

static void it_is_bounded_and_the_chain_says_where_it_begins(void)
{
	const struct croom_journal_options few = { .rows_max = 100 };
	struct croom_journal_verdict verdict;
	struct croom_journal_state state;

	new_directory();
	CHECK_EQ(run_begin_with(&few), 0);
	CHECK_EQ(swap_to("printer", "number:0"), 0);
	CHECK_EQ(croom_room_quarantine(room, "filter", "number:13", "for luck"), 0);
	for (int i = 0; i < 300; i++) {
		CHECK_EQ(swap_to("printer", "number:x"), -EINVAL);
		croom_journal_tick(journal);
		croom_journal_look(journal, &state);
		CHECK(state.rows <= 100);
	}
	CHECK(state.rows > 80);
	CHECK_EQ(verify_with(NULL, &verdict), 0);
	CHECK(verdict.cut > 200 && verdict.first == verdict.cut + 1 && verdict.rows == state.rows);
	run_end();
	CHECK_EQ(verify(), 0);
	/* A flood of refusals has not taken away what was confirmed, nor who is in quarantine. */
	CHECK(!strstr(read_rows(), "intent"));
	CHECK_EQ(run_begin_with(&few), 0);
	CHECK_EQ(croom_journal_restore(journal, NULL, 0, NULL, NULL, &err), 0);
	CHECK(strcmp(sits("printer"), "number:0") == 0);
	CHECK_EQ(swap_to("filter", "number:13"), -EACCES);
	run_end();
	CHECK_EQ(verify(), 0);
	remove_directory();
}

static void it_is_bounded_in_bytes(void)
{
	const struct croom_journal_options small = { .bytes_max = 100000 };
	struct croom_journal_state state;
	static char handler[3000];
	struct stat is;

	memset(handler, 'x', sizeof(handler) - 1);
	memcpy(handler, "number:", 7);
	new_directory();
	CHECK_EQ(run_begin_with(&small), 0);
	for (int i = 0; i < 200; i++) {
		CHECK_EQ(swap_to("printer", handler), -EINVAL);
		croom_journal_tick(journal);
	}
	croom_journal_look(journal, &state);
	CHECK(state.rows > 20 && state.rows < 45);
	if (check_bad)
		printf("# %llu rows\n", (unsigned long long)state.rows);
	run_end();
	CHECK(stat(path, &is) == 0 && is.st_size < 300000);
	CHECK_EQ(verify(), 0);
	remove_directory();
}

static void rows_that_are_cut_begin_with_a_state(void)
{
	const struct croom_journal_options few = { .rows_max = 100 };

	new_directory();
	CHECK_EQ(run_begin_with(&few), 0);
	for (int i = 0; i < 60; i++) {
		CHECK_EQ(swap_to("printer", "plain"), 0);
		croom_journal_tick(journal);
	}
	run_end();
	read_rows();
	CHECK(strncmp(rows, "intent ", 7) == 0);
	SAYS("cut ", "were removed", "end 61");
	CHECK_EQ(verify(), 0);
	remove_directory();
}

int main(void)
{
	RUN(every_change_is_told_before_and_after);
	RUN(whatever_else_happens_is_told);
	RUN(the_first_record_of_each_lane_is_told);
	RUN(any_config_comes_back_as_it_was);
	RUN(long_words_of_a_request_are_cut_and_states_are_not);
	RUN(what_cannot_be_written_is_counted_and_told_later);
	RUN(a_file_that_is_removed_is_made_anew);
	RUN(a_file_that_is_none_is_left_alone_and_costs_no_swap);
	RUN(one_process_keeps_it_and_the_other_says_so);
	RUN(the_second_takes_over_when_the_first_has_gone);
	RUN(a_directory_that_others_can_write_to_is_refused);
	RUN(its_files_are_for_their_owner_alone);
	RUN(it_is_bounded_and_the_chain_says_where_it_begins);
	RUN(it_is_bounded_in_bytes);
	RUN(rows_that_are_cut_begin_with_a_state);
	return check_result();
}
