// SPDX-License-Identifier: BSD-2-Clause
/*
 * What happens at an ordered access of the checked build. Counts and chance are the thread's own: nothing here may
 * order one thread's accesses for another, or the check would hide what it looks for.
 */
#include "points.h"
#include "broken.h"
#include "torture.h"
#include <sched.h>
#include <string.h>
#include <time.h>

enum { NAMES_MAX = 64, RELAXED = 0, ONE = 65536, DELAYS_TOLD = 64 };

struct name {
	const char *name;
	uint64_t passed;
	uint32_t odds;        /* of ONE, before and after; relaxed */
};

extern struct torture_site *const __start_torture_sites[], *const __stop_torture_sites[];

static struct name names[NAMES_MAX] = { { .name = "(relaxed, all of them)" } };
static unsigned names_count = 1;
static uint64_t seed, threads;
static bool delays;

static __thread struct {
	struct luck luck;
	uint64_t passed[NAMES_MAX];
	uint32_t delayed;
} mine;

const char *points_build(void)
{
	return "checked";
}

static unsigned name_id(const char *name)
{
	unsigned id = 1;

	while (id < names_count && strcmp(names[id].name, name))
		id++;
	if (id == NAMES_MAX) {
		fprintf(stderr, "croomtorture: more than %d names of ordered accesses: raise NAMES_MAX\n", NAMES_MAX);
		__builtin_trap();
	}
	if (id == names_count)
		names[names_count++].name = name;
	return id;
}

static size_t sites(void)
{
	return ((uintptr_t)__stop_torture_sites - (uintptr_t)__start_torture_sites) / sizeof(__start_torture_sites[0]);
}

static void number_sites(void)
{
	for (size_t i = 0; i < sites(); i++)
		__start_torture_sites[i]->id = name_id(__start_torture_sites[i]->name);
}

void points_start(uint64_t run_seed, bool run_delays)
{
	struct luck luck = luck_of(run_seed, UINT64_MAX / 3);

	seed = run_seed;
	delays = run_delays;
	points_shuffle(&luck);
}

/* Most names rarely, some never, one of them all the time: another mixture each time. */
void points_shuffle(struct luck *luck)
{
	static const uint32_t odds[] = { 0, ONE / 16384, ONE / 4096, ONE / 512 };
	unsigned often = luck_below(luck, names_count);

	for (unsigned i = 0; i < names_count && delays; i++)
		__atomic_store_n(&names[i].odds, i == often ? ONE / 4 : odds[luck_below(luck, 4)], __ATOMIC_RELAXED);
}

static void spin(uint32_t rounds)
{
	for (uint32_t i = 0; i < rounds; i++)
#if defined(__x86_64__)
		__builtin_ia32_pause();
#else
		__asm__ volatile("" ::: "memory");
#endif
}

/* Mostly some cycles, sometimes until the other side has done much, sometimes until another thread has run. */
static void delay(struct luck *luck)
{
	uint32_t kind = luck_below(luck, 1000);

	if (kind < 800) {
		spin(1 + luck_below(luck, 100));
	} else if (kind < 960) {
		spin(1 + luck_below(luck, 3000));
	} else if (kind < 997) {
		sched_yield();
	} else {
		struct timespec pause = { .tv_nsec = 1 + luck_below(luck, 100000) };

		nanosleep(&pause, NULL);
	}
}

static struct luck *my_luck(void)
{
	if (!mine.luck.state)
		mine.luck = luck_of(seed ^ UINT64_MAX, __atomic_fetch_add(&threads, 1, __ATOMIC_RELAXED));
	return &mine.luck;
}

static void perhaps(unsigned id)
{
	uint32_t odds = __atomic_load_n(&names[id].odds, __ATOMIC_RELAXED);

	if (!odds || (luck_next(my_luck()) >> 32) % ONE >= odds)
		return;
	delay(my_luck());
	if (++mine.delayed == DELAYS_TOLD) {
		torture_done(ACTOR_DELAY, mine.delayed);
		mine.delayed = 0;
	}
}

void torture_before(const struct torture_site *site)
{
	mine.passed[site->id]++;
	perhaps(site->id);
}

void torture_after(const struct torture_site *site)
{
	perhaps(site->id);
}

void torture_relaxed(void)
{
	mine.passed[RELAXED]++;
	perhaps(RELAXED);
}

void torture_moment(void)
{
	if (luck_below(my_luck(), 4) == 0)
		delay(my_luck());
}

void points_thread_end(void)
{
	for (unsigned i = 0; i < names_count; i++)
		__atomic_fetch_add(&names[i].passed, mine.passed[i], __ATOMIC_RELAXED);
	memset(mine.passed, 0, sizeof(mine.passed));
	torture_done(ACTOR_DELAY, mine.delayed);
	mine.delayed = 0;
}

void points_report(FILE *to, void (*unused)(const char *name))
{
	fprintf(to, "ordered accesses\n");
	for (unsigned i = 0; i < names_count; i++) {
		fprintf(to, "  %-24s %12llu\n", names[i].name, (big)names[i].passed);
		if (!names[i].passed)
			unused(names[i].name);
	}
}

void points_list(FILE *to)
{
	fprintf(to, "Broken variants (--broken):\n");
	for (unsigned i = 0; i < torture_variants_count; i++)
		if (torture_variants[i].help)
			fprintf(to, "  %-20s %s\n", torture_variants[i].name, torture_variants[i].help);
	fprintf(to, "  relaxed:NAME         that access has no order; x86 shows few of them, ThreadSanitizer most:\n");
	for (unsigned i = 1; i < names_count; i++)
		fprintf(to, "    %s\n", names[i].name);
}

/* Weaken or change the sites of this name; false when there is none. `look`: only look whether there is. */
static bool weaken(const char *name, bool look)
{
	bool any = false;

	for (size_t i = 0; i < sites(); i++)
		if (strcmp(__start_torture_sites[i]->name, name) == 0) {
			any = true;
			__start_torture_sites[i]->weak = !look;
		}
	return any;
}

static void change(const struct torture_variant *variant)
{
	for (size_t i = 0; i < sites(); i++)
		if (variant->site && strcmp(__start_torture_sites[i]->name, variant->site) == 0)
			__start_torture_sites[i]->variant = variant;
}

static bool break_it(const char *name, bool look)
{
	bool any = false;

	if (strncmp(name, "relaxed:", 8) == 0)
		return weaken(name + 8, look);
	for (unsigned i = 0; i < torture_variants_count; i++)
		if (strcmp(torture_variants[i].name, name) == 0) {
			any = true;
			if (!look)
				change(&torture_variants[i]);
		}
	return any;
}

int points_broken(const char *name)
{
	if (break_it(name, true))
		return 0;
	fprintf(stderr, "croomtorture: --broken %s: no such variant; --list shows them\n", name);
	return -1;
}

void points_break(const char *name)
{
	if (!name)
		return;
	break_it(name, false);
	torture_broken = name;
}

/* Before main(): the list of names is asked for by --list and --broken, too. */
__attribute__((constructor)) static void points_number(void)
{
	number_sites();
}
