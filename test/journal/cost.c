// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a journal costs a swap: cost [SWAPS]. Swaps by name, one after the other, without a lane, with and without a
 * journal; the median and the 99th percentile in microseconds, and how long a tick takes that checkpoints. Figures
 * for people, and the promise that a swap stays one of the things that take less than the blink of an eye.
 */
#include "rig.h"

enum { SWAPS_MAX = 100000 };

static int swaps = 2000;
static double us[SWAPS_MAX];

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double quantile(double share)
{
	return us[(int)(share * (swaps - 1))];
}

/* The median. */
static double measure(const char *name, bool tick)
{
	double ticked = 0, longest = 0;

	for (int i = 0; i < swaps; i++) {
		double begun = now_us();

		CHECK_EQ(swap_to("printer", i % 2 ? "number:1" : "number:2"), 0);
		us[i] = now_us() - begun;
		if (tick) {
			begun = now_us();
			croom_journal_tick(journal);
			begun = now_us() - begun;
			ticked += begun;
			longest = begun > longest ? begun : longest;
		}
	}
	qsort(us, (size_t)swaps, sizeof(us[0]), by_size);
	printf("# %s: median %.2f us, p99 %.2f us, longest %.2f us", name, quantile(0.5), quantile(0.99), us[swaps - 1]);
	if (tick)
		printf("; a tick after each: mean %.2f us, longest %.0f us", ticked / swaps, longest);
	putchar('\n');
	return quantile(0.5);
}

static void a_swap_with_a_journal_takes_less_than_a_millisecond(void)
{
	double without, with;

	new_directory();
	room = rig_open();
	without = measure("without a journal", false);
	croom_room_close(room);
	run_begin();
	with = measure("with a journal", true);
	run_end();
	printf("# %.2f us more\n", with - without);
	CHECK(with < 1000);
	CHECK_EQ(verify(), 0);
	remove_directory();
}

int main(int argc, char **argv)
{
	if (argc > 1)
		swaps = atoi(argv[1]) < SWAPS_MAX ? atoi(argv[1]) : SWAPS_MAX;
	RUN(a_swap_with_a_journal_takes_less_than_a_millisecond);
	return check_result();
}
