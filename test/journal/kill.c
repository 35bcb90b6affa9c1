// SPDX-License-Identifier: BSD-2-Clause
/*
 * A program that swaps as fast as it can is killed at any instant, again and again: kill [TIMES]
 *
 * Each time the journal must open and verify, and what comes back must be a state that was really in force: the last
 * one that was asked for and told, or the one that was under way, if the journal has it; both slots of one change, or
 * none; never one that waited to be confirmed. Who waited is in quarantine. The program says in shared memory what it
 * is about to do and has done.
 */
#include "rig.h"
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

/* What the program says; numbers count its changes over all runs. */
struct shared {
	uint64_t asked, told;          /* the change that was asked for last; that returned last */
	uint64_t kept_asked, kept;     /* the last that needs no confirmation or got it: asked for, returned */
	uint64_t waits;                /* the change that waits to be confirmed, from before it is asked for until it is confirmed or back */
	uint64_t ran;                  /* what the lane ran last */
	uint64_t begun;                /* runs that began */
};

static struct shared *shared;
static int lane_over;

static void set(uint64_t *at, uint64_t value)
{
	__atomic_store_n(at, value, __ATOMIC_SEQ_CST);
}

static uint64_t get(const uint64_t *at)
{
	return __atomic_load_n(at, __ATOMIC_SEQ_CST);
}

static void *run_lane(void *arg)
{
	struct croom_lane *lane = arg;
	const struct croom_panel *panel = croom_lane_unpark(lane);
	note n = { .value = -2 };

	while (!__atomic_load_n(&lane_over, __ATOMIC_RELAXED)) {
		panel = croom_lane_observe(lane, panel);
		set(&shared->ran, (uint64_t)croom_slot_call(printer, panel, &n));
		croom_lane_records_add(lane, 1);
		sched_yield();
	}
	croom_lane_park(lane);
	return NULL;
}

/* Change number n: both slots at once. */
static void change_to(uint64_t n, bool confirm)
{
	const struct croom_swap_options options = { .wait_ms = 600000, .confirm_ms = confirm ? 3600000 : 0 };
	char printer[32], filter[32];
	const struct croom_change both[] = { { "printer", printer }, { "filter", filter } };

	snprintf(printer, sizeof(printer), "number:%llu", (unsigned long long)n);
	snprintf(filter, sizeof(filter), "number:%llu", (unsigned long long)n);
	if (confirm)
		set(&shared->waits, n);
	else
		set(&shared->kept_asked, n);
	set(&shared->asked, n);
	if (croom_room_swap(room, both, 2, &options, NULL, &err)) {
		printf("# %s\n", err.text);
		_exit(1);
	}
	set(&shared->told, n);
	if (!confirm)
		set(&shared->kept, n);
}

/* Never ends. */
static void program(void)
{
	struct croom_lane *lane;
	pthread_t thread;
	uint64_t n;

	room = rig_open();
	if (croom_journal_open(&journal, room, directory, &(struct croom_journal_options){ .rows_max = 400 }, &err) ||
	    croom_room_lane_add(room, "feed", &lane) || croom_journal_restore(journal, NULL, 0, NULL, NULL, &err)) {
		printf("# %s\n", err.text);
		_exit(1);
	}
	pthread_create(&thread, NULL, run_lane, lane);
	set(&shared->begun, get(&shared->begun) + 1);
	for (n = get(&shared->asked) + 1;; n++) {
		change_to(n, n % 3 == 0);
		if (n % 3 == 0 && n % 2 == 0) {
			set(&shared->kept_asked, n);
			if (croom_room_confirm(room, 0, NULL, &err))
				_exit(1);
			set(&shared->kept, n);
			set(&shared->waits, 0);
		} else if (n % 3 == 0) {
			if (croom_room_rollback(room, 0, &published, NULL, &err))
				_exit(1);
			set(&shared->waits, 0);
		}
		croom_journal_tick(journal);
	}
}

static bool jailed(uint64_t n)
{
	char handler[32];

	snprintf(handler, sizeof(handler), "number:%llu", (unsigned long long)n);
	return swap_to("printer", handler) == -EACCES && swap_to("filter", handler) == -EACCES;
}

static char pardoned[2][64];

static int first_jailed(void *env, const struct croom_quarantine_view *one)
{
	(void)env;
	snprintf(pardoned[0], sizeof(pardoned[0]), "%s", one->slot);
	snprintf(pardoned[1], sizeof(pardoned[1]), "%s", one->handler);
	return 1;
}

/* What the next run finds. */
static void look(bool began)
{
	uint64_t kept = get(&shared->kept), kept_asked = get(&shared->kept_asked), waits = get(&shared->waits), back = 0;
	struct croom_journal_restored restored;
	char *end;

	CHECK_EQ(verify(), 0);
	run_begin();
	CHECK_EQ(croom_journal_restore(journal, NULL, 0, NULL, &restored, &err), 0);
	CHECK((restored.died || !began) && restored.refused == 0);
	if (kept == 0 && strcmp(sits("printer"), "off") == 0) {
		CHECK(strcmp(sits("filter"), "all") == 0);
	} else {
		back = strncmp(sits("printer"), "number:", 7) ? 0 : strtoull(sits("printer") + 7, &end, 10);
		CHECK(back == kept || back == kept_asked);
		if (strncmp(sits("filter"), "number:", 7) || strtoull(sits("filter") + 7, &end, 10) != back)
			CHECK(!"both slots of one change");
		if (back != kept && back != kept_asked)
			printf("# %llu came back; kept %llu, asked %llu\n", (unsigned long long)back, (unsigned long long)kept, (unsigned long long)kept_asked);
	}
	/* Who had returned and waited is in quarantine, unless it was about to be confirmed; one that was never kept is none that came back. */
	if (waits && waits == get(&shared->told) && kept_asked != waits && waits % 2 == 0)
		CHECK(jailed(waits));
	while (croom_room_each_quarantined(room, first_jailed, NULL))
		CHECK_EQ(croom_room_pardon(room, pardoned[0], pardoned[1], NULL, &err), 0);
	run_end();
	/* The next run begins from this, and may be killed before it has said anything. */
	set(&shared->kept, back);
	set(&shared->kept_asked, back);
	set(&shared->waits, 0);
}

static void what_comes_back_was_in_force(int times)
{
	unsigned seed = 12345;

	new_directory();
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < times && !check_bad; i++) {
		uint64_t begun = get(&shared->begun), told = get(&shared->told);
		pid_t child;
		int status;

		fflush(stdout);
		child = fork();
		if (child == 0)
			program();
		/* Some at once, while it still begins; the others among its swaps. */
		seed = seed * 1103515245 + 12345;
		while ((i % 10 || !begun) && (get(&shared->begun) == begun || get(&shared->told) < told + (seed >> 20) % 40))
			if (waitpid(child, &status, WNOHANG) == child) {
				CHECK(!"the program went on until it was killed");
				return;
			}
		for (unsigned spin = seed >> 8 & 0x3fff; spin; spin--)
			__asm__ volatile("");
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		look(get(&shared->begun) != begun);
	}
	printf("# %d kills, %llu changes\n", times, (unsigned long long)get(&shared->asked));
	munmap(shared, sizeof(*shared));
	remove_directory();
}

static int count = 50;

static void killed_at_any_instant_it_comes_back_to_what_was_in_force(void)
{
	what_comes_back_was_in_force(count);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		count = atoi(argv[1]);
	RUN(killed_at_any_instant_it_comes_back_to_what_was_in_force);
	return check_result();
}
