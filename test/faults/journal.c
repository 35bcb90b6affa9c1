// SPDX-License-Identifier: BSD-2-Clause
/*
 * A journal when memory or descriptors run out, its database's too: swaps go on, what is lost is counted and told later, the
 * file stays one that can be read and verified, and who is in quarantine stays there, or the program hears that it is not kept.
 */
#include "scene.h"
#include <croom/journal-file.h>
#include <croom/journal.h>
#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[64], path[96];

static void new_directory(void)
{
	strcpy(directory, access("/dev/shm", W_OK) ? "/tmp/croom-test-XXXXXX" : "/dev/shm/croom-test-XXXXXX");
	if (!mkdtemp(directory))
		abort();
	snprintf(path, sizeof(path), "%s/scarce.journal", directory);
}

static void remove_directory(void)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	char name[400];

	while (dir && (entry = readdir(dir))) {
		snprintf(name, sizeof(name), "%s/%s", directory, entry->d_name);
		unlink(name);
	}
	if (dir)
		closedir(dir);
	rmdir(directory);
}

/* A run that ends without saying so, with printer=number:13 unconfirmed and filter=number:9 confirmed. */
static void leave_a_file(void)
{
	const struct croom_change good = { "filter", "number:9" }, bad = { "printer", "number:13" };
	const struct croom_swap_options confirm = { .confirm_ms = 3600000 };
	struct croom_journal *journal;
	struct scene scene;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		scene_open(&scene);
		_exit(croom_journal_open(&journal, scene.room, directory, NULL, NULL) || croom_room_swap(scene.room, &good, 1, &publish, NULL, NULL) ||
		      croom_room_swap(scene.room, &bad, 1, &confirm, NULL, NULL));
	}
	waitpid(child, NULL, 0);
}

static void no_finding(void *env, const char *what)
{
	(void)env;
	printf("# %s\n", what);
}

static unsigned intents, lost_rows;

static int see_row(void *env, const struct croom_journal_row *row)
{
	(void)env;
	intents += row->kind == CROOM_JOURNAL_INTENT;
	lost_rows += row->kind == CROOM_JOURNAL_LOST;
	return 0;
}

static void look_through(void)
{
	struct croom_journal_verdict verdict = { 0 };
	struct croom_journal_file *file;
	struct croom_error err = { 0 };

	intents = lost_rows = 0;
	CHECK_EQ(croom_journal_file_open(&file, path, &err), 0);
	if (!file) {
		printf("# %s\n", err.text);
		return;
	}
	CHECK_EQ(croom_journal_file_each(file, INT64_MIN, see_row, NULL, &err), 0);
	CHECK_EQ(croom_journal_file_verify(file, NULL, no_finding, NULL, &verdict, &err), 0);
	CHECK_EQ(verdict.findings, 0);
	croom_journal_file_close(file);
}

static int swap(const struct scene *scene, const char *handler)
{
	const struct croom_change change = { "printer", handler };

	return croom_room_swap(scene->room, &change, 1, &publish, NULL, NULL);
}

/* Opening, with this allocation missing; then there is memory again. How many failed. */
static long opens(enum scarce_how how, long n)
{
	struct croom_journal_restored restored;
	struct croom_journal_state state;
	struct croom_journal *journal;
	struct croom_error err = { 0 };
	struct scene scene;
	long failed;
	int rc;

	new_directory();
	leave_a_file();
	scene_open(&scene);
	scarce_begin(how, n);
	rc = croom_journal_open(&journal, scene.room, directory, NULL, &err);
	failed = scarce_end();
	CHECK((rc == 0) == (err.text[0] == 0));
	CHECK(journal || rc == -ENOMEM);
	if (journal) {
		croom_journal_look(journal, &state);
		CHECK_EQ(state.kept, rc == 0);
		CHECK(rc == 0 || state.why[0]);
		/* What was in force unconfirmed when the run before died. */
		if (rc == 0) {
			CHECK_EQ(swap(&scene, "number:13"), -EACCES);
			CHECK_EQ(croom_journal_restore(journal, NULL, 0, NULL, &restored, &err), 0);
			CHECK(restored.died && restored.handlers == 1);
		}
		CHECK_EQ(swap(&scene, "number:14"), 0);
		croom_journal_close(journal);
	}
	scene_close(&scene);
	look_through();
	remove_directory();
	if (check_bad)
		printf("# the %ldth of them: %s\n", n, scarce_last());
	return failed;
}

/* Changes and a tick, with this allocation missing. */
static long goes_on(enum scarce_how how, long n)
{
	struct croom_journal_state state;
	struct croom_journal *journal;
	struct scene scene;
	uint64_t revision;
	long failed;
	int rc;

	new_directory();
	scene_open(&scene);
	must(croom_journal_open(&journal, scene.room, directory, NULL, NULL));
	revision = croom_room_revision(scene.room);
	scarce_begin(how, n);
	rc = swap(&scene, "number:20");
	croom_journal_tick(journal);
	failed = scarce_end();
	CHECK(rc == 0 || rc == -ENOMEM);
	CHECK_EQ(croom_room_revision(scene.room), revision + (rc == 0));
	CHECK_EQ(swap(&scene, "number:21"), 0);
	croom_journal_look(journal, &state);
	CHECK(state.kept ? state.lost == 0 : state.lost > 0 && state.why[0]);
	/* Closing tries once more. */
	croom_journal_close(journal);
	scene_close(&scene);
	look_through();
	CHECK(state.lost ? lost_rows == 1 : intents == 1U + (rc == 0));
	remove_directory();
	if (check_bad)
		printf("# the %ldth of them: %s\n", n, scarce_last());
	return failed;
}

/* Reading; each answer is whole, or an error. */
static long is_read(enum scarce_how how, long n)
{
	struct croom_journal_verdict verdict = { 0 };
	struct croom_journal_head head = { 0 };
	struct croom_journal_file *file;
	struct croom_error err = { 0 };
	long failed;
	int rc;

	scarce_begin(how, n);
	rc = croom_journal_file_open(&file, path, &err);
	rc = rc ? rc : croom_journal_file_each(file, INT64_MIN, see_row, NULL, &err);
	rc = rc ? rc : croom_journal_file_head(file, &head, &err);
	rc = rc ? rc : croom_journal_file_verify(file, &head, NULL, NULL, &verdict, &err);
	failed = scarce_end();
	CHECK(rc <= 0 && (rc == 0) == (err.text[0] == 0));
	CHECK(rc || (head.row && verdict.findings == 0));
	croom_journal_file_close(file);
	if (check_bad)
		printf("# the %ldth of them: %s: %s\n", n, scarce_last(), err.text);
	return failed;
}

/* `at_least`: so many were made to fail, or nothing was tried. */
static void every_allocation(long (*act)(enum scarce_how how, long n), enum scarce_how how, long step, long at_least)
{
	long n = 1, tried = 0;

	for (; n < 5000 && act(how, n) && !check_bad; n += step)
		tried++;
	CHECK(tried >= at_least && n < 5000);
	printf("# %ld of some %ld allocations\n", tried, n);
}

static void opening_it(void)
{
	every_allocation(opens, SCARCE_ONE, 1, 50);
	every_allocation(opens, SCARCE_ON, 29, 5);
}

static void changes_go_on(void)
{
	every_allocation(goes_on, SCARCE_ONE, 1, 5);
	every_allocation(goes_on, SCARCE_ON, 1, 5);
}

static void reading_it(void)
{
	new_directory();
	leave_a_file();
	every_allocation(is_read, SCARCE_ONE, 1, 50);
	every_allocation(is_read, SCARCE_ON, 7, 10);
	remove_directory();
}

int main(void)
{
	RUN(opening_it);
	RUN(changes_go_on);
	RUN(reading_it);
	return check_result();
}
